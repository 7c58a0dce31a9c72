import { encodePublicKey, nextRoster, signRoster, type RosterChange } from '@consilium/identity';
import { fromUtf8, utf8, type SiteName } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { Federation } from '../fixtures/federation.fixture.js';
import { ADMIN, COORDINATOR_KEY, keyOf, PROPOSER, publicKeyOf, siteKey } from '../fixtures/keys.fixture.js';
import { newestOf, recordOf, requireOwnRoster, Rosters, signedRoster, type SignedRoster } from './rosters.js';
import { keyId } from '@consilium/identity';

let federation: Federation;
let first: SignedRoster;
let second: SignedRoster;
let fork: SignedRoster;
beforeAll(async () => {
  federation = await Federation.found();
  first = federation.roster;
  second = await successor(first, { kind: 'dismiss', person: ADMIN.person });
  fork = await successor(first, { kind: 'dismiss', person: PROPOSER.person });
});

async function successor(before: SignedRoster, ...changes: RosterChange[]): Promise<SignedRoster> {
  const document = await signRoster(nextRoster(before, changes, Date.now()), federation.root.privateKeyPem);
  return signedRoster(document, federation.root.certificatePem);
}
const start = (folder: SignedRoster, stored: SignedRoster | undefined) =>
  newestOf(folder, stored && recordOf(stored, 0), federation.root.certificatePem);

describe('a start', () => {
  it('takes the roster of the identity folder when nothing is stored', () => {
    expect(start(first, undefined)).toEqual({ roster: first, isNew: true });
  });

  it('stays with the stored one when the folder has the same or an older one', () => {
    expect(start(first, first)).toMatchObject({ roster: { digest: first.digest }, isNew: false });
    expect(start(first, second)).toMatchObject({ roster: { digest: second.digest }, isNew: false });
  });

  it('takes a newer one from the folder, as an air-gapped federation brings it', () => {
    expect(start(second, first)).toEqual({ roster: second, isNew: true });
  });

  it('refuses two rosters of one version', () => {
    expect(() => start(fork, second)).toThrowError(expect.objectContaining({ code: 'ROSTER_INVALID' }));
  });

  it('refuses a newer one that follows another than the stored', async () => {
    const third = await successor(fork, { kind: 'revoke', site: 'alpha' as SiteName });
    expect(() => start(fork, { ...second, roster: { ...second.roster } })).toThrow();
    const fourth = { ...third, roster: { ...third.roster, version: 3 } };
    expect(() => start(fourth, first)).not.toThrow();
    expect(() => start(third, second)).toThrowError(expect.objectContaining({ code: 'ROSTER_INVALID' }));
  });

  it('does not believe a database in which somebody has written', () => {
    const record = recordOf(second, 0);
    const changed = { ...record, document: record.document.replace(/"sig":"[^"]{8}/, '"sig":"AAAAAAAA') };
    expect(() => newestOf(first, changed, federation.root.certificatePem)).toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/INVALID$/) as string }),
    );
  });
});

it('a record gives back the very document that the root has signed', () => {
  const { document, digest, version } = recordOf(second, 7);
  expect([digest, version]).toEqual([second.digest, 2]);
  expect(utf8(document)).toEqual(second.document);
  expect(fromUtf8(second.document)).toBe(document);
});

it('a coordinator serves no roster that names another one', () => {
  expect(() => requireOwnRoster(first, publicKeyOf(COORDINATOR_KEY))).not.toThrow();
  expect(() => requireOwnRoster(first, publicKeyOf(keyOf('an impostor')))).toThrowError(
    expect.objectContaining({ code: 'ROSTER_INVALID' }),
  );
});

it('the roster in force finds sites and people by their keys', () => {
  const rosters = new Rosters(first);
  expect(rosters.siteOf([keyId(siteKey('beta').publicKey)])?.name).toBe('beta');
  expect(rosters.siteOf([keyId(keyOf('nobody').publicKey)])).toBeUndefined();
  expect(rosters.peopleOf([ADMIN.key.publicKey, keyOf('nobody').publicKey]).map(({ person }) => person)).toEqual([
    ADMIN.person,
  ]);
  expect(rosters.keys).toMatchObject({
    version: 1,
    digest: first.digest,
    coordinator: { signing: encodePublicKey(COORDINATOR_KEY.publicKey) },
  });
  rosters.replace(second);
  expect(rosters.peopleOf([ADMIN.key.publicKey])).toEqual([]);
});
