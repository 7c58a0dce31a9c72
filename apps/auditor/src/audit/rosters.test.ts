import {
  encodePublicKey,
  newSigningKey,
  nextRoster,
  signRoster,
  type Roster,
  type RosterChange,
} from '@consilium/identity';
import { digestOf, siteName, type Digest } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryBundle, pathOn } from '../bundle/bundle.js';
import { Findings } from '../findings.js';
import { newParties, type Parties } from '../testing/parties.fixture.js';
import { Files } from './files.js';
import type { CoordinatorRecord } from './recorded.js';
import { Rosters } from './rosters.js';
import { nodeTools } from './tools.js';

const berlin = siteName('berlin');
let parties: Parties;
let rekeyed: {
  readonly document: Uint8Array;
  readonly digest: Digest;
  readonly roster: Roster;
  readonly key: Uint8Array;
};

beforeAll(async () => {
  parties = await newParties(['aarhus', 'berlin']);
  const key = newSigningKey();
  const change: RosterChange = { kind: 'rekey', site: berlin, signing: encodePublicKey(key.publicKey) };
  const roster = nextRoster(
    { roster: parties.roster, digest: parties.rosterDigest },
    [change],
    parties.roster.issuedMs + 1,
  );
  const document = await signRoster(roster, parties.root.privateKeyPem);
  rekeyed = { document, digest: digestOf(document), roster, key: key.publicKey };
});

async function read(documents: readonly Uint8Array[], policy = parties.policy): Promise<Rosters> {
  const files = new Map(documents.map((bytes) => [pathOn('document', digestOf(bytes)), bytes]));
  return Rosters.read(await Files.read(new MemoryBundle(files), nodeTools(), new Findings()), policy, nodeTools());
}

const signed = (...versions: readonly (readonly [number, Digest])[]): readonly CoordinatorRecord[] =>
  versions.map(
    ([version, roster], i) =>
      ({ type: 'roster.signed', version, roster, ref: `log#${10 * i}`, sequence: 10 * i }) as CoordinatorRecord,
  );

function follow(rosters: Rosters, records: readonly CoordinatorRecord[]): string[] {
  const findings = new Findings();
  rosters.follow(records, findings);
  return findings.list.map(({ code }) => code);
}

describe('the chain of rosters', () => {
  it('is followed through the log, and each version holds from its entry on', async () => {
    const rosters = await read([parties.rosterDocument, rekeyed.document]);
    expect(follow(rosters, signed([1, parties.rosterDigest], [2, rekeyed.digest]))).toEqual([]);
    expect([0, 1, 10, 11, 99].map((sequence) => rosters.at(sequence)?.roster.version)).toEqual([undefined, 1, 1, 2, 2]);
    expect(rosters.at(11)?.digest).toBe(rekeyed.digest);
  });

  it('remembers every key that a site had, the newest first', async () => {
    const rosters = await read([parties.rosterDocument, rekeyed.document]);
    expect(rosters.keysOf(berlin)).toEqual([rekeyed.key, parties.sites.get(berlin)!.key.publicKey]);
    expect(rosters.keysOf(null)).toEqual([parties.coordinator.publicKey]);
    expect([...rosters.siteNames]).toEqual(['aarhus', 'berlin']);
  });

  it('may be newer than the policy, whose key was then in some version', async () => {
    const rosters = await read([parties.rosterDocument, rekeyed.document]);
    expect(follow(rosters, signed([1, parties.rosterDigest], [2, rekeyed.digest]))).toEqual([]);
  });

  it.each<[string, () => readonly (readonly [number, Digest])[], string]>([
    ['a first version that is not the first', () => [[2, rekeyed.digest]], 'ROSTER_CHAIN_BROKEN'],
    ['a version told wrongly', () => [[2, parties.rosterDigest]], 'ROSTER_CHAIN_BROKEN'],
    [
      'the same version again',
      () => [
        [1, parties.rosterDigest],
        [1, parties.rosterDigest],
      ],
      'ROSTER_CHAIN_BROKEN',
    ],
    ['a roster that nobody has', () => [[1, '0'.repeat(64) as Digest]], 'ROSTER_INVALID'],
  ])('is broken by %s', async (_, versions, code) => {
    const rosters = await read([parties.rosterDocument, rekeyed.document]);
    expect(follow(rosters, signed(...versions()))).toContain(code);
  });

  it('has no roster of another root', async () => {
    const stranger = await newParties(['aarhus', 'berlin']);
    const rosters = await read([stranger.rosterDocument]);
    expect(rosters.get(stranger.rosterDigest)).toBeUndefined();
    expect(follow(rosters, signed([1, stranger.rosterDigest]))).toContain('ROSTER_INVALID');
  });

  it('is not the policy’s where the policy has a key that no version has', async () => {
    const sites = parties.policy.sites.map((site) => ({
      ...site,
      signing: encodePublicKey(newSigningKey().publicKey),
    }));
    const rosters = await read([parties.rosterDocument], { ...parties.policy, sites });
    expect(follow(rosters, signed([1, parties.rosterDigest]))).toEqual(['KEY_FOREIGN', 'KEY_FOREIGN']);
  });
});
