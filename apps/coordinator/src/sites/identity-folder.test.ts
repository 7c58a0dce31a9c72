import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeKeyFile } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Federation } from '../fixtures/federation.fixture.js';
import { writeIdentity } from '../fixtures/identity.fixture.js';
import { COORDINATOR_KEY, keyOf } from '../fixtures/keys.fixture.js';
import { readIdentity } from './identity-folder.js';

let folder: string;
let federation: Federation;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-identity-'));
  federation = await Federation.found();
  await writeIdentity(folder, federation);
});
afterEach(() => rm(folder, { recursive: true }));
const read = (name = 'demo') => readIdentity(folder, name);

describe('the identity folder', () => {
  it('is root, intermediate, signing key and roster, which belong together', async () => {
    const identity = await read();
    expect(identity).toMatchObject({
      rootPem: federation.root.certificatePem,
      rootDigest: federation.identity.rootDigest,
      intermediate: federation.intermediate,
    });
    expect(identity.signing.publicKey).toEqual(COORDINATOR_KEY.publicKey);
    expect(identity.roster.digest).toBe(federation.roster.digest);
  });

  it.each(['root.pem', 'intermediate.pem', 'intermediate.key', 'signing.key', 'roster.json'])(
    'without %s is named as such, and its path is not told',
    async (name) => {
      await unlink(join(folder, name));
      await expect(read()).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
        facts: { path: 'identity', expected: `a folder with ${name}` },
      });
    },
  );

  it('tells the names under which sites reach the coordinator, if it has some', async () => {
    await writeFile(join(folder, 'hosts.json'), '["hub.example.org","10.0.0.7"]');
    expect((await read()).hosts).toEqual(['hub.example.org', '10.0.0.7']);
    await unlink(join(folder, 'hosts.json'));
    expect((await read()).hosts).toEqual([]);
    for (const wrong of ['hub.example.org', '{}', '[7]']) {
      await writeFile(join(folder, 'hosts.json'), wrong);
      await expect(read()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    }
  });

  it('of another federation is refused', async () => {
    await expect(read('other')).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  });

  it('with another signing key than the roster names is refused', async () => {
    await writeFile(join(folder, 'signing.key'), encodeKeyFile(keyOf('an impostor')));
    await expect(read()).rejects.toMatchObject({ code: 'ROSTER_INVALID', facts: { path: 'coordinator.signing' } });
  });

  it('with a sealed signing key is refused, since nobody is there to open it', async () => {
    await writeFile(join(folder, 'signing.key'), encodeKeyFile(COORDINATOR_KEY, 'correct horse'));
    await expect(read()).rejects.toMatchObject({ code: 'KEY_LOCKED' });
  });

  it('with a roster that another root has signed is refused', async () => {
    const { roster } = await Federation.found();
    await writeFile(join(folder, 'roster.json'), roster.document);
    await expect(read()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });
});
