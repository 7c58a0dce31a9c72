import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeKeyFile, encodePublicKey } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIdentity } from './identity.js';
import { CHANGE_FILE, IDENTITY_FILES } from './identity-files.js';
import { keyOf, ROOT, ROSTER_DOCUMENT } from './keys.fixture.js';
import { KEY } from './plan.fixture.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-'));
  await write('root', ROOT.certificatePem);
  await write('certificate', 'certificate');
  await write('privateKey', 'key');
  await write('signing', encodeKeyFile(KEY));
  await write('roster', ROSTER_DOCUMENT);
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const write = (name: keyof typeof IDENTITY_FILES, content: string | Uint8Array): Promise<void> =>
  writeFile(join(folder, IDENTITY_FILES[name]), content);

describe('the identity folder', () => {
  it('holds root, certificate, keys and roster', async () => {
    const identity = await readIdentity(folder);
    expect(identity).toMatchObject({
      rootPem: ROOT.certificatePem,
      certificatePem: 'certificate',
      privateKeyPem: 'key',
    });
    expect(identity.signing.publicKey).toEqual(KEY.publicKey);
    expect(Uint8Array.from(identity.roster)).toEqual(ROSTER_DOCUMENT);
    expect(identity.formerKeys).toEqual([]);
  });

  it('names the root by its DER, however the PEM is wrapped', async () => {
    const { rootDigest } = await readIdentity(folder);
    await write('root', `\n\n${ROOT.certificatePem}\n`);
    expect((await readIdentity(folder)).rootDigest).toBe(rootDigest);
    expect(rootDigest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is what a change that is under way says, and not half of it', async () => {
    const files = { certificate: 'new certificate', privateKey: 'new key' };
    await writeFile(join(folder, CHANGE_FILE), JSON.stringify({ schema: 'consilium.identity-change/1', files }));
    await write('privateKey', 'new key'); // one of the two is replaced already
    expect(await readIdentity(folder)).toMatchObject({ certificatePem: 'new certificate', privateKeyPem: 'new key' });
    await rm(join(folder, CHANGE_FILE));
    expect(await readIdentity(folder)).toMatchObject({ certificatePem: 'certificate', privateKeyPem: 'new key' }); // the control
  });

  it('remembers the keys from before a rekeying', async () => {
    await write('former', JSON.stringify([encodePublicKey(keyOf('old').publicKey)]));
    expect((await readIdentity(folder)).formerKeys).toEqual([keyOf('old').publicKey]);
    await write('former', '["nonsense"]');
    await expect(readIdentity(folder)).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it.each(['root', 'certificate', 'privateKey', 'signing', 'roster'] as const)(
    'tells which part is missing, and how to get it: %s',
    async (name) => {
      await rm(join(folder, IDENTITY_FILES[name]));
      await expect(readIdentity(folder)).rejects.toMatchObject({ code: 'IDENTITY_MISSING', facts: { field: name } });
    },
  );

  it('is refused with a root that is no certificate, or a key that is none or is sealed', async () => {
    await write('signing', encodeKeyFile(KEY, 'a passphrase'));
    await expect(readIdentity(folder)).rejects.toMatchObject({ code: 'KEY_LOCKED' });
    await write('signing', '{}');
    await expect(readIdentity(folder)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    await write('signing', encodeKeyFile(KEY));
    await write('root', 'no certificate');
    await expect(readIdentity(folder)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  });
});
