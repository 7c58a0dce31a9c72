import { keyId, type SoftwareKey } from '@consilium/identity';
import { digestOf, type Digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../identity.js';
import { keyOf, ROOT, ROSTER_DOCUMENT } from '../keys.fixture.js';
import { memoryLedger } from '../ledger.fixture.js';
import { recordIdentity, renewalRecords } from './record.js';

const [first, second, third] = [keyOf('first'), keyOf('second'), keyOf('third')];
const ROOT_DIGEST = 'e'.repeat(64) as Digest;
const identityOf = (signing: SoftwareKey, ...former: SoftwareKey[]): Identity => ({
  rootPem: ROOT.certificatePem,
  rootDigest: ROOT_DIGEST,
  certificatePem: '',
  privateKeyPem: '',
  signing,
  formerKeys: former.map(({ publicKey }) => publicKey),
  roster: ROSTER_DOCUMENT,
});

describe('who a site is, in its log', () => {
  it('stands there once, with the root and the roster that it was enrolled under', async () => {
    const { ledger, log, documents } = memoryLedger();
    await recordIdentity(ledger, identityOf(first));
    await recordIdentity(ledger, identityOf(first));
    expect(log.entries).toEqual([
      {
        type: 'identity.enrolled',
        signing: keyId(first.publicKey),
        root: ROOT_DIGEST,
        roster: digestOf(ROSTER_DOCUMENT),
      },
    ]);
    expect(await documents.get(digestOf(ROSTER_DOCUMENT))).toEqual(ROSTER_DOCUMENT);
  });

  it('changes where a key takes over from the one before: each key has its stretch of the log', async () => {
    const { ledger, types } = memoryLedger();
    await recordIdentity(ledger, identityOf(first));
    await recordIdentity(ledger, identityOf(second, first));
    await recordIdentity(ledger, identityOf(second, first));
    await recordIdentity(ledger, identityOf(third, first, second));
    expect(types()).toEqual(['identity.enrolled', 'identity.rekeyed', 'identity.rekeyed']);
    expect(ledger.enrolled.signing).toBe(keyId(third.publicKey));
  });

  it.each<[string, Identity, string]>([
    ['an old copy of the identity, from before the rekeying', identityOf(first), 'KEY_INVALID'],
    ['a key that succeeds nobody', identityOf(third), 'KEY_INVALID'],
    ['a key that succeeds another one', identityOf(third, first), 'KEY_INVALID'],
    [
      'another federation’s root',
      { ...identityOf(second, first), rootDigest: 'f'.repeat(64) as Digest },
      'CERTIFICATE_INVALID',
    ],
  ])('refuses %s', async (_what, identity, code) => {
    const { ledger, types } = memoryLedger();
    await recordIdentity(ledger, identityOf(first));
    await recordIdentity(ledger, identityOf(second, first));
    await expect(recordIdentity(ledger, identity)).rejects.toMatchObject({ code });
    expect(types()).toHaveLength(2);
  });
});

describe('a renewal in the log', () => {
  it('leaves the request’s digest before it is sent, and the certificate’s key before it is used', async () => {
    const { ledger, log } = memoryLedger();
    const { sending, record } = renewalRecords(ledger);
    const request = Buffer.from('request');
    await sending(request);
    await record({ spki: ROOT_DIGEST, notAfter: 7 });
    expect(log.entries).toEqual([
      { type: 'egress.sent', message: 'renew', bytes: 7, sha256: digestOf(request) },
      { type: 'cert.renewed', spki: ROOT_DIGEST, notAfter: 7 },
    ]);
  });
});
