import { signEnvelope, type Approval, type SoftwareKey } from '@consilium/identity';
import { Fault, type Digest, type RunId, type StudyName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { keyOf, siteKey } from '../fixtures/keys.fixture.js';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { requireApproval } from './approvals.js';

const { plan, record } = planOf();
const of = { run: 'run-0000000001' as RunId, planDigest: record.digest, plan, site: alpha };
const approval = (change: Partial<Approval> = {}): Approval => ({
  schema: 'consilium.approval/1',
  federation: 'demo',
  study: plan.study,
  plan: record.digest,
  run: of.run,
  envelope: null,
  site: alpha,
  dataset: 'd'.repeat(64) as Digest,
  by: 'people',
  expiresMs: 2,
  atMs: 1,
  ...change,
});
const signed = (change: Partial<Approval> = {}, ...keys: SoftwareKey[]): Uint8Array =>
  signEnvelope('approval', approval(change), keys.length ? keys : [siteKey(alpha)]);
const refusal = (envelope: Uint8Array): string => {
  try {
    requireApproval(envelope, of);
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? `${error.code} ${error.facts['field'] ?? ''}`.trim() : String(error);
  }
};

describe('a site’s approval', () => {
  it('is taken with the site’s own signature, and with those of its people, whom we do not know', () => {
    expect(refusal(signed())).toBe('accepted');
    expect(refusal(signed({}, keyOf('operator'), siteKey(alpha), keyOf('dpo')))).toBe('accepted');
  });

  it.each<[string, Partial<Approval>]>([
    ['federation', { federation: 'elsewhere' }],
    ['study', { study: 'another' as StudyName }],
    ['plan', { plan: 'e'.repeat(64) as Digest }],
    ['run', { run: 'run-0000000002' as RunId }],
    ['site', { site: beta }],
  ])('of another %s is none', (field, change) => expect(refusal(signed(change))).toBe(`APPROVAL_INVALID ${field}`));

  it('that is standing, and so for no run, starts none', () => {
    const covers = {
      dataset: 'd'.repeat(64) as Digest,
      modelFamily: 'f'.repeat(64) as Digest,
      rounds: 9,
      expiresMs: 2,
    };
    expect(refusal(signed({ plan: null, run: null, envelope: covers }))).toBe('APPROVAL_INVALID plan');
  });

  it('without the site’s signature, with a wrong one, or in another spelling is refused', () => {
    expect(refusal(signed({}, keyOf('operator')))).toBe('SIGNATURE_MISSING');
    expect(refusal(signed({}, siteKey(beta)))).toBe('SIGNATURE_MISSING');
    const text = Buffer.from(signed()).toString('utf8');
    const other = Buffer.from(signed({ atMs: 0 })).toString('utf8');
    const swapped = text.replace(/"sig":"[^"]+"/, /"sig":"[^"]+"/.exec(other)![0]);
    expect(refusal(Buffer.from(swapped))).toBe('SIGNATURE_INVALID');
    expect(refusal(Buffer.from(` ${text}`))).toBe('ENVELOPE_INVALID');
    expect(refusal(Buffer.alloc(0))).toBe('ENVELOPE_INVALID');
    expect(refusal(Buffer.alloc(70_000))).toBe('ENVELOPE_INVALID');
  });
});
