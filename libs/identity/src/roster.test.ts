import { p256 } from '@noble/curves/nist.js';
import { canonicalJson, digestOf, fromUtf8, siteName, utf8 } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPki, type Pki } from './certificates/certificates.fixture.js';
import { readCertificate } from './certificates/x509.js';
import * as lawful from './documents/documents.fixture.js';
import { signedBytes } from './dsse/frame.js';
import { decodeBase64, encodeBase64, keyId, nextRoster, openRoster, requireSuccessor, signRoster } from './index.js';
import type { KnownRoster, Roster, RosterChange } from './index.js';
import { codeOf, codeOfAsync, flips } from './judge.fixture.js';
import { verifyP256 } from './keys/p256.js';
import { hasOpenssl, Openssl } from './openssl.fixture.js';

const { personNo, publicKeyOf, digestNo, AT } = lawful;
const roster = lawful.roster();
let pki: Pki;
let bytes: Uint8Array;
beforeAll(async () => {
  pki = await newPki();
  bytes = await signRoster(roster, pki.root.privateKeyPem);
});

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}
const envelope = (): Envelope => JSON.parse(fromUtf8(bytes)) as Envelope;
const signatureOf = (document: Envelope): Uint8Array => decodeBase64(document.signatures[0]!.sig, 'ENVELOPE_INVALID');
const withSignature = (sig: Uint8Array): Uint8Array => {
  const document = envelope();
  const signatures = [{ ...document.signatures[0], sig: encodeBase64(sig) }];
  return utf8(canonicalJson({ ...document, signatures }));
};
const judge = (document: Uint8Array, rootPem = pki.root.certificatePem) => codeOf(() => openRoster(document, rootPem));
const spkiOf = (pem: string): Uint8Array => new Uint8Array(readCertificate(pem).publicKey.rawData);

describe('a roster', () => {
  it('is signed by the root’s key, and opened with the root’s certificate', () => {
    expect(openRoster(bytes, pki.root.certificatePem)).toEqual(roster);
    expect(envelope().payloadType).toBe('application/vnd.consilium.roster+json');
    expect(envelope().signatures[0]!.keyid).toBe(digestOf(spkiOf(pki.root.certificatePem)));
  });

  it('carries the lesser S always, so that it has one signature', async () => {
    for (let i = 0; i < 12; i++) {
      const again = JSON.parse(fromUtf8(await signRoster(roster, pki.root.privateKeyPem))) as Envelope;
      expect(p256.Signature.fromBytes(signatureOf(again), 'der').hasHighS()).toBe(false);
    }
  });

  it('is not signed if it is none, or if a key in it is unsound', async () => {
    const { privateKeyPem } = pki.root;
    expect(await codeOfAsync(signRoster({ ...roster, version: 0 }, privateKeyPem))).toBe('ROSTER_INVALID');
    const unsound = { ...roster, coordinator: { signing: encodeBase64(new Uint8Array(32).fill(2)) } };
    expect(await codeOfAsync(signRoster(unsound, privateKeyPem))).toBe('ROSTER_INVALID');
    expect(await codeOfAsync(signRoster(roster, 'garbage'))).toBe('CERTIFICATE_INVALID');
  });
});

describe('a roster is refused', () => {
  it('that another root has signed, or the intermediate: a stolen coordinator admits nobody', async () => {
    const other = await newPki();
    expect(judge(bytes, other.root.certificatePem)).toBe('SIGNATURE_INVALID');
    expect(judge(await signRoster(roster, pki.intermediate.privateKeyPem))).toBe('SIGNATURE_INVALID');
  });

  it('of another federation than its root’s', async () => {
    expect(judge(await signRoster({ ...roster, federation: 'other' }, pki.root.privateKeyPem))).toBe('ROSTER_INVALID');
  });

  it('with the other S that fits too: the document would have two digests', () => {
    const { r, s } = p256.Signature.fromBytes(signatureOf(envelope()), 'der');
    const other = new p256.Signature(r, p256.Point.Fn.neg(s)).toBytes('der');
    expect(judge(withSignature(other))).toBe('SIGNATURE_INVALID');
    // The control: it is a valid signature of the same bytes.
    const message = signedBytes({ type: 'roster', payloadBytes: decodeBase64(envelope().payload, 'ENVELOPE_INVALID') });
    const point = spkiOf(pki.root.certificatePem).subarray(26);
    expect(verifyP256(point, message, other, { lowS: false })).toBe(true);
  });

  it('with the same two numbers in other DER', () => {
    const der = signatureOf(envelope());
    const inside = der.subarray(2);
    const spellings = [
      Uint8Array.of(0x30, 0x81, inside.byteLength, ...inside),
      Uint8Array.of(0x30, inside.byteLength + 2, ...inside, 5, 0),
      Uint8Array.of(...der, 0),
      Uint8Array.of(0x30, inside.byteLength + 1, 0x02, inside[1]! + 1, 0, ...inside.subarray(2)),
      p256.Signature.fromBytes(der, 'der').toBytes('compact'),
    ];
    expect(judge(withSignature(der))).toBe('accepted');
    for (const other of spellings) expect(judge(withSignature(other))).toBe('SIGNATURE_INVALID');
  });

  it('with a bit of its signature changed, wherever it is', () => {
    for (const changed of flips(signatureOf(envelope()), 9))
      expect(judge(withSignature(changed))).toBe('SIGNATURE_INVALID');
  });

  it('with any byte of it changed', () => {
    for (let at = 0; at < bytes.byteLength; at += 13) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(judge(changed), `byte ${at}`).not.toBe('accepted');
    }
  });

  it('with a second signature, or with the signature of a person', () => {
    const document = envelope();
    const key = lawful.keyOf(9);
    const message = signedBytes({ type: 'roster', payloadBytes: decodeBase64(document.payload, 'ENVELOPE_INVALID') });
    const persons = { keyid: keyId(key.publicKey), sig: encodeBase64(key.sign(message)) };
    const both = [...document.signatures, persons].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
    for (const signatures of [both, [persons]]) {
      expect(judge(utf8(canonicalJson({ ...document, signatures })))).toBe('SIGNATURE_INVALID');
    }
  });

  it('when the root cannot be read', () => {
    expect(judge(bytes, 'garbage')).toBe('CERTIFICATE_INVALID');
  });
});

describe('the next roster', () => {
  const known = (of: Roster = roster): KnownRoster => ({ roster: of, digest: digestOf(bytes) });
  const next = (...changes: RosterChange[]): Roster => nextRoster(known(), changes, AT + 1);
  const amsterdam = { name: siteName('amsterdam'), signing: publicKeyOf(8), jurisdiction: 'NL' };
  const [aarhus, berlin] = roster.sites;

  it('names the one before it, and keeps what is not changed', () => {
    expect(next()).toEqual({ ...roster, version: 2, previous: digestOf(bytes), issuedMs: AT + 1 });
  });

  it('admits a site in its place in the order', () => {
    expect(next({ kind: 'admit', site: amsterdam }).sites).toEqual([aarhus, amsterdam, berlin]);
  });

  it('revokes a site, and gives one another key', () => {
    expect(next({ kind: 'revoke', site: aarhus!.name }).sites).toEqual([berlin]);
    expect(next({ kind: 'rekey', site: berlin!.name, signing: publicKeyOf(8) }).sites).toEqual([
      aarhus,
      { ...berlin, signing: publicKeyOf(8) },
    ]);
  });

  it('enlists and dismisses people', () => {
    const person = { person: personNo(0), roles: ['admin' as const], signing: publicKeyOf(8) };
    const changed = next({ kind: 'enlist', person }, { kind: 'dismiss', person: personNo(2) });
    expect(changed.people.map((one) => one.person)).toEqual([personNo(0), personNo(1)]);
  });

  it('leaves the one before it as it was', () => {
    next({ kind: 'admit', site: amsterdam }, { kind: 'dismiss', person: personNo(1) });
    expect(roster).toEqual(lawful.roster());
  });

  it.each<[string, RosterChange]>([
    ['revokes nobody', { kind: 'revoke', site: siteName('nowhere') }],
    ['gives nobody a key', { kind: 'rekey', site: siteName('nowhere'), signing: publicKeyOf(8) }],
    ['dismisses nobody', { kind: 'dismiss', person: personNo(9) }],
  ])('%s', (_, change) => {
    expect(codeOf(() => next(change))).toBe('ROSTER_INVALID');
  });

  it('gives no two the same key', () => {
    const twice: RosterChange = { kind: 'admit', site: { ...amsterdam, signing: berlin!.signing } };
    expect(codeOf(() => next(twice))).toBe('ROSTER_INVALID');
  });

  it('is signed and opened like the first', async () => {
    const second = next({ kind: 'admit', site: amsterdam });
    const document = await signRoster(second, pki.root.privateKeyPem);
    expect(openRoster(document, pki.root.certificatePem)).toEqual(second);
  });
});

describe('a roster follows the one that is known', () => {
  const at = (version: number, digest: number, previous: number | null, federation = 'demo'): KnownRoster => ({
    roster: { ...roster, federation, version, previous: previous === null ? null : digestNo(previous) },
    digest: digestNo(digest),
  });
  const judged = (next: KnownRoster) => codeOf(() => requireSuccessor(at(5, 5, 4), next));

  it.each<[string, KnownRoster, string]>([
    ['the same again', at(5, 5, 4), 'accepted'],
    ['the next one', at(6, 6, 5), 'accepted'],
    ['a later one, when some were missed', at(9, 9, 8), 'accepted'],
    ['an older one', at(4, 4, 3), 'ROSTER_INVALID'],
    ['another one of the same version', at(5, 55, 4), 'ROSTER_INVALID'],
    ['a next one that follows another', at(6, 6, 55), 'ROSTER_INVALID'],
    ['one of another federation', at(6, 6, 5, 'other'), 'ROSTER_INVALID'],
  ])('%s', (_, next, code) => {
    expect(judged(next)).toBe(code);
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL (skipped where the openssl program is absent)', () => {
  const openssl = new Openssl();
  afterAll(() => openssl.remove());

  it('finds the roster signed by the root’s key, and a changed one not', () => {
    const document = envelope();
    const payloadBytes = decodeBase64(document.payload, 'ENVELOPE_INVALID');
    const key = openssl.file('root.der', spkiOf(pki.root.certificatePem));
    const signature = openssl.file('signature', signatureOf(document));
    const verify = (message: Uint8Array): boolean =>
      openssl.run(
        ...['dgst', '-sha256', '-keyform', 'DER', '-verify', key],
        ...['-signature', signature, openssl.file('message', message)],
      ).ok;
    expect(verify(signedBytes({ type: 'roster', payloadBytes }))).toBe(true);
    expect(verify(payloadBytes)).toBe(false);
  });
});
