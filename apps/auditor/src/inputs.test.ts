import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimedKeys } from './compare/claimed-keys.js';
import { MemoryBundle, originsIn, pathOn } from './bundle/bundle.js';
import { outputFault } from './output.js';
import { readPolicy } from './policy-file.js';
import { SmallFederation } from './testing/federation.fixture.js';
import { newParties } from './testing/parties.fixture.js';
import { newFolder, writeFiles } from './testing/state.fixture.js';
import { readToken } from './token.js';
import { Fault } from '@consilium/stdx';

describe('a policy file', () => {
  it('is read whole, from the file or from the folder that `consilium up` writes', async () => {
    const { policy } = await newParties(['aarhus']);
    const folder = await newFolder();
    await writeFiles(folder, [['policy.json', JSON.stringify(policy)]]);
    for (const path of [folder, join(folder, 'policy.json')]) expect(await readPolicy(path)).toEqual({ policy });
  });

  it.each([
    ['nothing', '', 'POLICY_INVALID'],
    ['a list', '[]', 'POLICY_INVALID'],
    ['bytes that are no text', '\ud800', 'POLICY_INVALID'],
  ])('is none where it holds %s', async (_, text, problem) => {
    const folder = await newFolder();
    await writeFiles(folder, [['policy.json', text]]);
    expect(await readPolicy(folder)).toEqual({ problem });
  });

  it('is refused with one field more, one site twice, or a key in another spelling', async () => {
    const { policy } = await newParties(['aarhus']);
    const folder = await newFolder();
    const wrong = [
      { ...policy, trusted: true },
      { ...policy, sites: [...policy.sites, ...policy.sites] },
      { ...policy, coordinator: { signing: policy.coordinator.signing.replace('=', '') } },
      { ...policy, root: policy.root.slice(0, 100) },
    ];
    for (const one of wrong) {
      await writeFiles(folder, [['policy.json', JSON.stringify(one)]]);
      expect(await readPolicy(folder)).toEqual({ problem: 'POLICY_INVALID' });
    }
  });

  it('is missing where none was named or none is there', async () => {
    expect(await readPolicy(undefined)).toEqual({ problem: 'POLICY_MISSING' });
    expect(await readPolicy(join(await newFolder(), 'nowhere'))).toEqual({ problem: 'POLICY_MISSING' });
  });
});

describe('a token', () => {
  it('comes from the file that was named, else from the environment', async () => {
    const folder = await newFolder();
    await writeFiles(folder, [['token', 'from-file\n']]);
    const file = join(folder, 'token');
    expect(await readToken(file, { CONSILIUM_TOKEN: 'from-env' })).toBe('from-file');
    expect(await readToken(undefined, { CONSILIUM_TOKEN_FILE: file })).toBe('from-file');
    expect(await readToken(undefined, { CONSILIUM_TOKEN: 'from-env' })).toBe('from-env');
  });

  it.each([
    [{}],
    [{ CONSILIUM_TOKEN: 'two words' }],
    [{ CONSILIUM_TOKEN: 'a\r\nb' }],
    [{ CONSILIUM_TOKEN_FILE: 'nowhere' }],
  ])('is refused without repeating it: %j', async (env) => {
    const refusal = await readToken(undefined, env).catch((error: unknown) => error as Fault);
    expect(refusal).toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(String(refusal)).not.toMatch(/two words|nowhere/);
  });
});

describe('the keys that a bundle’s rosters name', () => {
  it('are the coordinator’s and the sites’, whoever signed', async () => {
    const { bundle, parties } = await SmallFederation.run();
    const keys = (await claimedKeys(bundle)).map((key) => Buffer.from(key).toString('base64'));
    const signing = [parties.policy.coordinator, ...parties.policy.sites].map((one) => one.signing);
    expect(keys.sort()).toEqual(signing.sort());
  });

  it('are none where documents are something else', async () => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const documents = ['', '{}', '[1]', '{"payload":"e30=","payloadType":"application/vnd.consilium.roster+json"}'];
    const files = documents.map((value, i) => [pathOn('document', `${i}`.repeat(64)), text(value)] as const);
    expect(await claimedKeys(new MemoryBundle(new Map(files)))).toEqual([]);
  });
});

describe('the logs in a bundle', () => {
  it('are the folders with a checkpoint', () => {
    const paths = ['logs/a/checkpoint', 'logs/b/site/c/2026/checkpoint', 'logs/d/tile/0/000', 'checkpoint'];
    const bundle = new MemoryBundle(new Map(paths.map((path) => [path, new Uint8Array()])));
    expect(originsIn(bundle)).toEqual(['a', 'b/site/c/2026']);
  });
});

describe('an output that cannot be written', () => {
  it.each([
    ['EEXIST', 'ALREADY_EXISTS'],
    ['ENOSPC', 'DISK_FULL'],
    ['EACCES', 'SETTINGS_INVALID'],
  ])('%s is %s, and a Fault stays what it is', (errno, code) => {
    expect(outputFault(Object.assign(new Error('/secret/path'), { code: errno }))).toMatchObject({ code });
    const fault = new Fault('NOT_FOUND');
    expect(outputFault(fault)).toBe(fault);
  });
});
