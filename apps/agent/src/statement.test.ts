import { openEnvelope } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { planDigest } from '@consilium/round';
import { digestOf } from '@consilium/stdx';
import { encodeSafetensors, manifestDigest } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { keyOf } from './keys.fixture.js';
import { approvalOf, DATASET, KEY, modelOf, NO_DIGEST, OTHER_RUN, planOf, RUN, SITE } from './plan.fixture.js';
import { sha256Of } from './sha256.js';
import { signUpdate } from './statement.js';
import { SHARED } from './twins.fixture.js';

const plan = planOf();
const bytes = encodeSafetensors(modelOf(plan));
const contribution = { bytes, sha256: sha256Of(bytes), examples: 16, loss: 0.5, metrics: SHARED };
const offer = { run: RUN, round: 2, attempt: 3, modelDigest: NO_DIGEST };
const permit = { run: RUN, planDigest: planDigest(plan), plan, dataset: DATASET, approval: approvalOf(plan) };
const context = { permit, site: SITE, checkpoint: { size: 9, root: NO_DIGEST }, key: KEY };
const sign = (about: object = {}, where: object = {}, how: object = {}): Uint8Array =>
  signUpdate({ ...contribution, ...about }, { ...offer, ...where }, { ...context, ...how });

describe('the statement about an update', () => {
  it('names federation, study, plan, run, round, attempt, site, model, checkpoint, manifest and the bytes', () => {
    const { payload, signers } = openEnvelope(sign(), 'update', { all: [KEY.publicKey] });
    expect(payload).toEqual({
      schema: 'consilium.update/1',
      federation: 'testfed',
      study: 'lung-nodule',
      plan: planDigest(plan),
      run: RUN,
      round: 2,
      attempt: 3,
      site: SITE,
      model: NO_DIGEST,
      checkpoint: { size: 9, root: NO_DIGEST },
      manifest: manifestDigest(manifestOf(plan.model)),
      sha256: sha256Of(bytes),
      length: bytes.byteLength,
      examples: 16,
      loss: 0.5,
      metrics: { loss: 0.6, auc: 0.8, accuracy: 0.75, sensitivity: 0.7, brier: 0.2 },
    });
    expect(signers).toHaveLength(1);
  });

  it('is the same bytes for the same update, so that a document is found again by its digest', () => {
    expect(digestOf(sign())).toBe(digestOf(sign()));
  });

  it('is another for every coordinate that differs: nothing can be replayed elsewhere', () => {
    const statements = [
      sign(),
      sign({}, { run: OTHER_RUN }),
      sign({}, { round: 3 }),
      sign({}, { attempt: 4 }),
      sign({}, { modelDigest: 'f'.repeat(64) }),
      sign({ sha256: NO_DIGEST }),
      sign({ examples: 17 }),
      sign({ metrics: null }),
      sign({}, {}, { checkpoint: { size: 10, root: NO_DIGEST } }),
      sign({}, {}, { permit: { ...permit, planDigest: NO_DIGEST } }),
    ];
    expect(new Set(statements.map(digestOf)).size).toBe(statements.length);
  });

  it('does not pass for another site’s', () => {
    expect(() => openEnvelope(sign(), 'update', { all: [keyOf('site-b').publicKey] })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
  });
});
