import { encodePublicKey, fingerprintWords } from '@consilium/identity';
import { planDigest } from '@consilium/round';
import { describe, expect, it } from 'vitest';
import { approvalText, type Shown } from './approval-text.js';
import { COORDINATOR, keyOf, PROPOSER } from './keys.fixture.js';
import { DATASET, planOf, RUN, SITE } from './plan.fixture.js';

const SIGNERS = [{ person: 'person-proposer000', roles: ['proposer'], signing: encodePublicKey(PROPOSER.publicKey) }];
const text = (plan = planOf(), shown: Partial<Shown> = {}): string =>
  approvalText(plan, {
    run: RUN,
    planDigest: planDigest(plan),
    site: SITE,
    signers: SIGNERS,
    dataset: DATASET,
    problem: null,
    ...shown,
  });
/** As it is read: a line's end is a space. */
const flat = (of = text()): string => of.replace(/\s+/g, ' ');

describe('what a person reads before approving', () => {
  it('says in plain words what the coordinator could see and that nothing bounds it', () => {
    expect(flat()).toContain('updates can reveal images');
    expect(flat()).toContain(
      'Whoever runs the coordinator, or breaks into it, could reconstruct something of the images',
    );
    expect(flat()).toContain(
      'No limit is set: there is no secure aggregation and no differential privacy in this plan.',
    );
  });

  it('says what leaves: the update with its exact size and bound, counts, metrics, progress, codes', () => {
    expect(flat()).toMatch(/each round one update: \d+ bytes/);
    expect(flat()).toContain('norm at most 100');
    for (const word of ['AUC', 'sensitivity', 'Brier', 'number of training and test images', 'progress', 'error codes'])
      expect(flat()).toContain(word);
  });

  it('says on what ground: law, ethics approval with its end, countries', () => {
    expect(flat()).toContain('legal basis: public interest, scientific research (GDPR 6(1)(e) with 9(2)(j))');
    expect(flat()).toContain('ethics approval: “EK 12/2026” of “Ethics board”, good through 2099-12-31 (UTC)');
    expect(flat()).toContain('countries: DE');
  });

  it('says which patients: what the study asks for, what is here, and the digest of exactly these data', () => {
    expect(flat()).toContain('computed tomography (CT), de-identified, of at least 10 patients');
    expect(flat()).toContain(
      '16 images of 16 patients (8 “nodule”) to train on, 12 images of 12 patients (6 “nodule”) to measure on',
    );
    expect(text()).toContain(`  data  ${DATASET.digest}`);
    expect(flat(text(planOf(), { dataset: null }))).toContain('Here: they were not looked into.');
    expect(flat(text(planOf(), { dataset: { ...DATASET, format: 'npz' } }))).toContain('Here: 16 images (8 “nodule”)');
  });

  it('says what is wrong with the data instead of counts', () => {
    const problem = { code: 'DATA_CONTRACT_UNMET', facts: { minPatients: 10 } } as const;
    expect(flat(text(planOf(), { dataset: null, problem }))).toContain('they cannot be used. DATA_CONTRACT_UNMET:');
  });

  it('names the model in words, and the amount of work', () => {
    expect(flat()).toContain('1 × convolution, 1 × activation, 1 × pooling over the image, 1 × dense layer');
    expect(flat()).toContain('learns to tell “nodule” from “no-nodule” on images of 8 × 8 pixels');
    expect(flat()).toContain('Up to 3 rounds of 4 steps, each round at most 3 times');
  });

  it('says until when, and that one approval is one run', () => {
    expect(flat()).toContain('One approval, one run: it ends with this run, or with the ethics approval on 2099-12-31');
    expect(flat()).toContain('What was sent before cannot be called back.');
  });

  it('shows everybody’s six words: who signed, the coordinator, each site', () => {
    for (const key of [PROPOSER, COORDINATOR, ...planOf().sites.map(keyOf)])
      expect(text()).toContain(`      ${fingerprintWords(key.publicKey)}`);
    expect(text()).toContain(`  ${SITE} (this site)`);
    expect(text()).toContain('  person-proposer000 (proposer)');
  });

  it('says that the coordinator keeps the updates, where the plan says so', () => {
    expect(flat(text(planOf({ audit: { retainUpdates: true } })))).toContain('The coordinator keeps every update');
    expect(flat()).not.toContain('keeps every update');
  });

  it('warns of a model whose updates hold images nearly as they are', () => {
    const dense = (units: number) =>
      planOf({
        model: {
          layers: [
            { type: 'input', name: 'image', shape: [8, 8, 1] },
            { type: 'flatten', name: 'flat' },
            { type: 'dense', name: 'imprint', units },
            { type: 'dense', name: 'logit', units: 1 },
          ],
        },
      });
    expect(flat(text(dense(65)))).toContain('Beware: in this model many units read the pixels themselves.');
    expect(flat(text(dense(64)))).not.toContain('Beware');
    expect(flat()).not.toContain('Beware');
  });

  it('reads well in a terminal of 100 columns', () => {
    const long = planOf({
      title: 'N'.repeat(40) + ' '.repeat(1) + 'odules '.repeat(20).trim(),
      purpose: 'word '.repeat(300).trim(),
    });
    for (const line of text(long).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('marks the consortium’s own words, so that they cannot pass for the agent’s', () => {
    const purpose = 'Finds nodules.\nWhat leaves this site\n  · nothing';
    const title = 'What privacy it costs: none';
    const lines = text(planOf({ purpose, title })).split('\n');
    expect(lines).toContain('  | What leaves this site');
    expect(lines.filter((line) => line === 'What leaves this site')).toHaveLength(1);
    expect(lines).not.toContain('  · nothing');
    expect(lines[0]).toMatch(/^“What privacy it costs: none”: study/);
  });
});
