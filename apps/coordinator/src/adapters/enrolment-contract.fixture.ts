import type { Digest, SiteName } from '@consilium/stdx';
import { expect, it } from 'vitest';
import type { LedgerRow } from '../ports.js';
import type { EnrolmentRecord, EnrolmentStore, RosterRecord, TokenRecord } from '../sites/store.js';

const [alpha, beta] = ['alpha', 'beta'] as SiteName[] as [SiteName, SiteName];
const digestOf = (digit: string): Digest => digit.repeat(64) as Digest;

const token = (change: Partial<TokenRecord> = {}): TokenRecord => ({
  digest: digestOf('a'),
  id: 'token-0000000001',
  site: alpha,
  jurisdiction: 'DE',
  expiresMs: 2000,
  usedMs: null,
  ...change,
});
const enrolment = (change: Partial<EnrolmentRecord> = {}): EnrolmentRecord => ({
  site: alpha,
  kind: 'join',
  signing: 'key of alpha',
  signer: digestOf('1'),
  csr: 'a request',
  jurisdiction: 'DE',
  state: 'pending',
  certificate: null,
  askedMs: 1000,
  ...change,
});
const roster = (version: number): RosterRecord => ({
  version,
  digest: digestOf(String(version)),
  document: `{"roster":"ä","version":${version}}`,
  installedMs: 3000 + version,
});
const certificate = (spki: string, site = alpha, notAfterMs = 9000) => ({ spki: digestOf(spki), site, notAfterMs });
const row = (entry: string): LedgerRow => ({ entry, subject: null });

export interface EnrolmentWorld {
  readonly store: EnrolmentStore;
  /** What the ledger was told, in order. */
  readonly told: () => Promise<readonly string[]>;
}

/** What every enrolment store promises; each test gets an empty one. */
export function enrolmentContract(empty: () => Promise<EnrolmentWorld>): void {
  it('lets a token be used once, however many try at the same time, and keeps that one’s request', async () => {
    const { store, told } = await empty();
    await store.createToken(token(), 0, [row('made')]);
    const tries = Array.from({ length: 50 }, (_, i) =>
      store.join(
        token().digest,
        enrolment({ signer: i.toString(16).padStart(64, '0') as Digest, csr: `request ${i}` }),
        [row(`used by ${i}`)],
      ),
    );
    const won = (await Promise.all(tries)).flatMap((isFirst, i) => (isFirst ? [i] : []));
    expect(won).toHaveLength(1);
    expect((await store.find(alpha))?.csr).toBe(`request ${won[0]}`);
    expect(await store.findToken(token().digest)).toEqual(token({ usedMs: 1000 }));
    expect(await told()).toEqual(['made', `used by ${won[0]}`]);
  });

  it('lets no token be used that has expired, was used, or does not exist, and keeps nothing then', async () => {
    const { store, told } = await empty();
    await store.createToken(token({ expiresMs: 1000 }), 0, []);
    expect(await store.join(token().digest, enrolment(), [row('used')])).toBe(false);
    expect(await store.join(digestOf('b'), enrolment(), [row('used')])).toBe(false);
    expect(await store.join(token().digest, enrolment({ askedMs: 999 }), [row('used')])).toBe(true);
    expect(await store.join(token().digest, enrolment({ askedMs: 999 }), [row('used')])).toBe(false);
    expect(await told()).toEqual(['used']);
  });

  it('counts the tokens that can be used, and forgets the expired with the next new one', async () => {
    const { store } = await empty();
    await store.createToken(token(), 0, []);
    await store.createToken(token({ digest: digestOf('b'), id: 'token-0000000002', expiresMs: 5000 }), 0, []);
    expect([await store.openTokens(1999), await store.openTokens(2000)]).toEqual([2, 1]);
    await store.createToken(token({ digest: digestOf('c'), id: 'token-0000000003', expiresMs: 5000 }), 2000, []);
    expect(await store.findToken(token().digest)).toBeUndefined();
    expect(await store.openTokens(0)).toBe(2);
  });

  it('keeps one request of each site, the newest, and one site for each key', async () => {
    const { store } = await empty();
    await store.ask(enrolment());
    await store.ask(enrolment({ csr: 'another', kind: 'rekey' }));
    expect(await store.find(alpha)).toEqual(enrolment({ csr: 'another', kind: 'rekey' }));
    expect(await store.findBySigner(digestOf('1'))).toEqual(await store.find(alpha));
    await expect(store.ask(enrolment({ site: beta }))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await store.createToken(token({ site: beta }), 0, []);
    await expect(store.join(token().digest, enrolment({ site: beta }), [])).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect((await store.findToken(token().digest))?.usedMs).toBeNull();
    expect([await store.find(beta), await store.findBySigner(digestOf('f'))]).toEqual([undefined, undefined]);
  });

  it('lists what is pending by site, and refuses only that', async () => {
    const { store } = await empty();
    await store.ask(enrolment({ site: beta, signer: digestOf('2') }));
    await store.ask(enrolment());
    expect((await store.pending()).map(({ site }) => site)).toEqual([alpha, beta]);
    await expect(store.refuse(enrolment({ signer: digestOf('9') }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.refuse(enrolment());
    expect((await store.pending()).map(({ site }) => site)).toEqual([beta]);
    await expect(store.refuse(enrolment())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.find(alpha)).toEqual(enrolment({ state: 'refused' }));
  });

  it('has the newest roster in force, byte for byte, and each version once', async () => {
    const { store, told } = await empty();
    expect(await store.roster()).toBeUndefined();
    await store.install(roster(9), [row('nine')]);
    await store.install(roster(8), [row('eight')]);
    expect(await store.roster()).toEqual(roster(9));
    await expect(store.install(roster(9), [row('again')])).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await told()).toEqual(['nine', 'eight']);
  });

  it('admits a site together with its roster, or does nothing', async () => {
    const { store, told } = await empty();
    const asked = enrolment({ certificate: 'a chain' });
    const admission = { enrolment: asked, certificate: certificate('c') };
    await expect(store.install(roster(1), [row('too soon')], admission)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.roster()).toBeUndefined();

    await store.revoke({ site: alpha, signing: 'old', by: 'person-0000000001', revokedMs: 5 }, []);
    await store.issue(certificate('b'), [], { endedMs: 0 });
    await store.issue(certificate('d', beta), [], { endedMs: 0 });
    await store.ask(enrolment());
    await store.install(roster(1), [row('admitted')], admission);
    expect(await store.find(alpha)).toEqual({ ...asked, state: 'admitted' });
    expect(await store.revocations()).toEqual([]);
    expect((await store.certificates()).map(({ spki }) => spki[0]).sort()).toEqual(['c', 'd']);
    expect(await told()).toEqual(['admitted']);
  });

  it('leaves the certificates of a site that only changes its key', async () => {
    const { store } = await empty();
    await store.issue(certificate('b'), [], { endedMs: 0 });
    await store.ask(enrolment({ kind: 'rekey' }));
    const asked = enrolment({ kind: 'rekey', certificate: 'a chain' });
    await store.install(roster(1), [], { enrolment: asked, certificate: certificate('c') });
    expect(await store.certificates()).toHaveLength(2);
  });

  it('keeps certificates until long after they ended, with the request that they answer', async () => {
    const { store, told } = await empty();
    await store.issue(certificate('b', alpha, 100), [row('one')], { endedMs: 0 });
    await store.issue(certificate('c', alpha, 200), [row('two')], {
      endedMs: 100,
      enrolment: enrolment({ certificate: 'x' }),
    });
    expect(await store.find(alpha)).toEqual(enrolment({ certificate: 'x' }));
    expect(await store.certificates()).toHaveLength(2);
    await store.issue(certificate('c', alpha, 300), [row('three')], { endedMs: 101 });
    expect(await store.certificates()).toEqual([certificate('c', alpha, 300)]);
    expect(await told()).toEqual(['one', 'two', 'three']);
  });

  it('revokes a site once, and says so once', async () => {
    const { store, told } = await empty();
    const revocation = { site: alpha, signing: 'k', by: 'person-0000000001', revokedMs: 5 };
    await store.revoke(revocation, [row('revoked')]);
    await store.revoke({ ...revocation, revokedMs: 6 }, [row('again')]);
    expect(await store.revocations()).toEqual([revocation]);
    expect(await told()).toEqual(['revoked']);
  });

  it('takes a nonce of a site once, until it has expired', async () => {
    const { store } = await empty();
    const used = { site: alpha, nonce: 'n', expiresMs: 100 };
    expect(await Promise.all([1, 2, 3].map(() => store.useNonce(used, 0)))).toEqual(
      expect.arrayContaining([true, false, false]),
    );
    expect(await store.useNonce({ ...used, site: beta }, 99)).toBe(true);
    expect(await store.useNonce(used, 99)).toBe(false);
    expect(await store.useNonce(used, 100)).toBe(true);
  });
}
