import { addSignature, encodePublicKey, signEnvelope, type SoftwareKey } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../keys.fixture.js';
import { approvalOf, KEY, OTHER_RUN, planOf, RUN } from '../plan.fixture.js';
import { Signers } from './signers.js';
import type { Role } from './roles.js';

const people = ['operator', 'second operator', 'officer', 'deputy'].map(keyOf);
const [operator, second, officer, deputy] = people as [SoftwareKey, SoftwareKey, SoftwareKey, SoftwareKey];
const named = (role: Role, key: SoftwareKey) => ({ role, signing: encodePublicKey(key.publicKey) });
const signers = new Signers(
  [
    named('operator', operator),
    named('operator', second),
    named('data-protection-officer', officer),
    named('data-protection-officer', deputy),
  ],
  KEY,
);
const terms = approvalOf(planOf(), RUN, { by: 'people' });
const signed = (keys: readonly SoftwareKey[], of = terms): Uint8Array => signEnvelope('approval', of, keys);
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (error) {
    return Fault.from(error).code;
  }
};

describe('whose signatures make an approval', () => {
  it('one of the people of each role, whoever they are, and in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(people, { minLength: 1 }), (keys) => {
        const operators = keys.some((key) => key === operator || key === second);
        const officers = keys.some((key) => key === officer || key === deputy);
        const document = signed(keys);
        const missing = [...(operators ? [] : ['operator']), ...(officers ? [] : ['data-protection-officer'])];
        expect(signers.openSigned(document).missing).toEqual(missing);
        expect(codeOf(() => signers.complete(document))).toBe(missing.length === 0 ? 'done' : 'SIGNATURE_MISSING');
      }),
      { numRuns: 20 },
    );
  });

  it('names each role that must sign once', () => {
    expect(signers.roles).toEqual(['operator', 'data-protection-officer']);
  });

  it('with the site’s own signature last, without which it is none', () => {
    const document = signed([operator, officer]);
    expect(codeOf(() => signers.openComplete(document))).toBe('SIGNATURE_MISSING');
    expect(signers.openComplete(signers.complete(document))).toEqual(terms);
  });

  it('not the site’s own in place of a person’s', () => {
    expect(codeOf(() => signers.openComplete(signed([operator, KEY])))).toBe('SIGNATURE_MISSING');
    expect(codeOf(() => signers.openComplete(signed([KEY])))).toBe('SIGNATURE_MISSING');
  });

  it('not a stranger’s beside those who may', () => {
    const all = signers.complete(signed([operator, officer]));
    expect(codeOf(() => signers.openComplete(addSignature(all, 'approval', keyOf('stranger'))))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  it('by the word of people: what the site gave by itself is no approval of theirs, though they had signed it', () => {
    const auto = approvalOf(planOf(), RUN, { by: 'auto' });
    expect(codeOf(() => signers.openComplete(signed([operator, officer, KEY], auto)))).toBe('APPROVAL_INVALID');
    expect(codeOf(() => signers.openComplete(signed([operator, officer, KEY])))).toBe('done'); // the control
  });

  it('nobody’s, where the settings name nobody', () => {
    const nobody = new Signers([], KEY);
    expect(nobody.roles).toEqual([]);
    expect(codeOf(() => nobody.openSigned(signed([operator])))).toBe('SIGNATURE_INVALID');
  });
});

describe('one more signature', () => {
  it('is taken over the same terms, with those that were there', () => {
    const first = signed([operator]);
    expect(signers.added(terms, null, first).missing).toEqual(['data-protection-officer']);
    expect(signers.added(terms, first, addSignature(first, 'approval', deputy)).missing).toEqual([]);
  });

  it('is refused over other terms, and where it drops another’s', () => {
    const other = approvalOf(planOf(), OTHER_RUN, { by: 'people' });
    expect(codeOf(() => signers.added(terms, null, signed([operator], other)))).toBe('REQUEST_INVALID');
    expect(codeOf(() => signers.added(terms, signed([operator]), signed([officer])))).toBe('REQUEST_INVALID');
  });
});
