import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeKeyFile, encodePublicKey, newSigningKey, policySchema, type Policy } from '@consilium/identity';
import { digest } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { foundFederation } from './founding.js';
import { layoutOf, type Layout } from './layout.js';
import { rememberCheckpoints, writePolicy } from './policy.js';

let layout: Layout;
beforeEach(async () => {
  layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-policy-')));
  await foundFederation(layout, 'demo', Date.UTC(2026, 10, 25));
});
afterEach(() => rm(layout.root, { recursive: true }));

/** What `agent join` leaves, as far as it counts here. */
async function enrol(site: string): Promise<string> {
  const key = newSigningKey();
  await mkdir(layout.siteIdentity(site), { recursive: true });
  await writeFile(join(layout.siteIdentity(site), 'signing.key'), encodeKeyFile(key));
  await writeFile(join(layout.siteIdentity(site), 'certificate.pem'), 'the certificate');
  return encodePublicKey(key.publicKey);
}

const policy = async (): Promise<Policy> => {
  await writePolicy(layout, 'demo');
  return policySchema.parse(JSON.parse(await readFile(layout.policy, 'utf8')));
};
const checkpoint = (origin: string, size: number, digit: string) => ({ origin, size, root: digest(digit.repeat(64)) });

describe('the auditor’s policy', () => {
  it('has the root and everybody’s key, from everybody’s own folder', async () => {
    const [b, a] = [await enrol('hospital-b'), await enrol('hospital-a')];
    const roster = JSON.parse(await readFile(join(layout.coordinatorIdentity, 'signing.key'), 'utf8')) as {
      public: string;
    };
    expect(await policy()).toEqual({
      schema: 'consilium.policy/1',
      federation: 'demo',
      root: await readFile(join(layout.pki, 'root.pem'), 'utf8'),
      coordinator: { signing: roster.public },
      sites: [
        { name: 'hospital-a', signing: a, approvers: [] },
        { name: 'hospital-b', signing: b, approvers: [] },
      ],
      checkpoints: [],
    });
  });

  it('names no site that has not joined, and none that is no site', async () => {
    await enrol('hospital-a');
    await mkdir(layout.siteIdentity('hospital-b'), { recursive: true });
    await writeFile(join(layout.siteIdentity('hospital-b'), 'signing.key'), encodeKeyFile(newSigningKey()));
    await writeFile(join(layout.sites, '.DS_Store'), '');
    expect((await policy()).sites.map(({ name }) => name)).toEqual(['hospital-a']);
  });

  it('has no secret in it', async () => {
    await enrol('hospital-a');
    const secret = /"secret": ?"([^"]+)"/.exec(await readFile(join(layout.pki, 'admin.key'), 'utf8'))![1]!;
    await policy();
    const text = await readFile(layout.policy, 'utf8');
    expect(text).not.toMatch(/PRIVATE KEY|secret/);
    expect(text).not.toContain(secret);
  });

  it('remembers the checkpoints that were seen last, and only what a policy may have of them', async () => {
    const seen = { ...checkpoint('demo/coordinator/2026', 5, 'a'), cosigners: ['demo/site/hospital-a'] };
    await rememberCheckpoints(layout, [seen, checkpoint('demo/site/hospital-a/2026', 9, 'b')]);
    await rememberCheckpoints(layout, [
      checkpoint('demo/coordinator/2026', 7, 'c'),
      checkpoint('demo/coordinator/2027', 1, 'd'),
    ]);
    expect((await policy()).checkpoints).toEqual([
      checkpoint('demo/coordinator/2026', 7, 'c'),
      checkpoint('demo/site/hospital-a/2026', 9, 'b'),
      checkpoint('demo/coordinator/2027', 1, 'd'),
    ]);
  });

  it.each(['{broken', '[{"origin":"demo/coordinator/2026"}]', '{}'])(
    'is not written over what was seen before and cannot be read any more (%s)',
    async (text) => {
      await mkdir(join(layout.root, 'policy'), { recursive: true });
      await writeFile(layout.lastSeen, text);
      await expect(policy()).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
      await expect(rememberCheckpoints(layout, [])).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
      expect(await readFile(layout.lastSeen, 'utf8')).toBe(text);
    },
  );
});
