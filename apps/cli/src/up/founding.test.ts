import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateFacts, encodePublicKey, openRoster, type Roster } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { foundFederation, personsKey } from './founding.js';
import { layoutOf, PERSON_ROLES, type Layout } from './layout.js';

const NOW = Date.UTC(2026, 10, 25);
const DAY_MS = 86_400_000;

let layout: Layout;
beforeEach(async () => void (layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-founding-')))));
afterEach(() => rm(layout.root, { recursive: true }));

const read = (...path: string[]): Promise<string> => readFile(join(layout.root, ...path), 'utf8');
const rosterOf = async (): Promise<Roster> =>
  openRoster(await readFile(join(layout.coordinatorIdentity, 'roster.json')), await read('pki', 'root.pem'));

describe('a federation that is founded', () => {
  it('has a root, two people and a coordinator, each where it belongs', async () => {
    await foundFederation(layout, 'demo', NOW);
    expect((await readdir(layout.pki)).sort()).toEqual(['admin.key', 'proposer.key', 'root.key', 'root.pem']);
    expect((await readdir(layout.coordinatorIdentity)).sort()).toEqual(
      ['hosts.json', 'intermediate.key', 'intermediate.pem', 'roster.json', 'root.pem', 'signing.key'].sort(),
    );
    expect(certificateFacts(await read('pki', 'root.pem')).spiffe).toBe('spiffe://demo');
    expect(JSON.parse(await read('coordinator', 'identity', 'hosts.json'))).toContain('127.0.0.1');
  });

  it('lists both people from the first roster on, with the keys that sign plans', async () => {
    await foundFederation(layout, 'demo', NOW);
    const roster = await rosterOf();
    expect(roster).toMatchObject({ version: 1, sites: [] });
    expect(roster.people.map(({ roles }) => roles[0]).sort()).toEqual([...PERSON_ROLES]);
    for (const role of PERSON_ROLES) {
      const key = await personsKey(layout, role);
      expect(roster.people.find(({ roles }) => roles[0] === role)?.signing).toBe(encodePublicKey(key.publicKey));
    }
  });

  it('never gives the root’s key to the coordinator', async () => {
    await foundFederation(layout, 'demo', NOW);
    const secret = (await read('pki', 'root.key')).trim().split('\n')[1]!;
    for (const file of await readdir(layout.coordinatorIdentity))
      expect(await read('coordinator', 'identity', file), file).not.toContain(secret);
    expect(await read('pki', 'root.key')).toContain(secret);
  });

  it('has secrets that only their owner may read, and a folder that nobody else may open', async () => {
    await foundFederation(layout, 'demo', NOW);
    const secrets = ['pki/root.key', 'pki/admin.key', 'coordinator/identity/intermediate.key'];
    for (const file of secrets) expect((await stat(join(layout.root, file))).mode & 0o077, file).toBe(0);
    await chmod(layout.pki, 0o755);
    await rm(join(layout.coordinatorIdentity, 'intermediate.pem'));
    await foundFederation(layout, 'demo', NOW);
    expect((await stat(layout.pki)).mode & 0o777).toBe(0o700);
  });

  it('has certificates that outlast every demonstration', async () => {
    await foundFederation(layout, 'demo', NOW);
    for (const file of ['root.pem', 'intermediate.pem']) {
      const { notAfter } = certificateFacts(await read('coordinator', 'identity', file));
      expect(notAfter).toBeGreaterThan(NOW + 3649 * DAY_MS);
    }
  });
});

describe('a founding that was killed', () => {
  // In the order in which the files appear; all that come later are missing too.
  const ORDER = ['pki/root.pem', 'pki/admin.key', 'pki/proposer.key', 'coordinator/identity/intermediate.pem'];

  it.each(ORDER.map((file, i) => [file, i] as const))('before %s goes on with what was there', async (_, from) => {
    await foundFederation(layout, 'demo', NOW);
    const kept = await Promise.all(ORDER.slice(0, from).map((file) => read(file)));
    for (const file of ORDER.slice(from)) await rm(join(layout.root, file));
    await foundFederation(layout, 'demo', NOW);
    expect(await Promise.all(ORDER.slice(0, from).map((file) => read(file)))).toEqual(kept);
    const roster = await rosterOf();
    const admin = await personsKey(layout, 'admin');
    expect(roster.people.find(({ roles }) => roles[0] === 'admin')?.signing).toBe(encodePublicKey(admin.publicKey));
  });

  it('gives the same person the same id again, since it comes from the key', async () => {
    await foundFederation(layout, 'demo', NOW);
    const { people } = await rosterOf();
    await rm(join(layout.coordinatorIdentity, 'intermediate.pem'));
    await foundFederation(layout, 'demo', NOW);
    expect((await rosterOf()).people).toEqual(people);
  });

  it('is over when the coordinator’s identity is whole: that is never made twice', async () => {
    await foundFederation(layout, 'demo', NOW);
    await expect(foundFederation(layout, 'demo', NOW)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});
