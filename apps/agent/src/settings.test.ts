import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { parseSettings, readSettings } from './settings.js';

const document = {
  site: 'site-a',
  federation: 'testfed',
  state: 'state',
  coordinator: { address: 'hub.example:7443' },
  jurisdiction: 'DE',
  datasets: { 'lung-nodule': 'data/lung' },
};
const parse = (changes: object = {}, env: Record<string, string> = {}) =>
  parseSettings({ ...document, ...changes }, env, '/srv/agent');
const faultOf = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    return error as Fault;
  }
  throw new Error('it was accepted');
};

describe('the site’s settings', () => {
  it('default to the careful choice: a person approves, and training has no network', () => {
    expect(parse()).toMatchObject({
      approve: 'manual',
      sandbox: 'on',
      engine: 'auto',
      log: { level: 'info', format: 'auto' },
    });
  });

  it('take relative paths from the file’s own folder and leave absolute ones alone', () => {
    const { state, identity, datasets } = parse();
    expect(state).toBe('/srv/agent/state');
    expect(identity).toBe('/srv/agent/state/identity');
    expect(parse({ identity: 'keys' }).identity).toBe('/srv/agent/keys');
    expect(parse({ identity: '/etc/consilium' }).identity).toBe('/etc/consilium');
    expect(parse({}, { CONSILIUM_IDENTITY: '/run/keys' }).identity).toBe('/run/keys');
    expect(datasets).toEqual({ 'lung-nodule': '/srv/agent/data/lung' });
  });

  it('are overridden by the environment, and an empty variable overrides nothing', () => {
    const env = {
      CONSILIUM_COORDINATOR_ADDRESS: 'other:1',
      CONSILIUM_SANDBOX: 'off',
      CONSILIUM_LOG_LEVEL: 'debug',
      CONSILIUM_STATE: '',
    };
    const settings = parse({}, env);
    expect(settings.coordinator.address).toBe('other:1');
    expect(settings.sandbox).toBe('off');
    expect(settings.log).toEqual({ level: 'debug', format: 'auto' });
    expect(settings.state).toBe('/srv/agent/state');
  });

  it.each([
    [{ site: 'Site A' }, 'site'],
    [{ site: undefined }, 'site'],
    [{ coordinator: { address: 'http://hub' } }, 'coordinator.address'],
    [{ coordinator: { address: 'hub:1', pin: 'short' } }, 'coordinator'],
    [{ jurisdiction: undefined }, 'jurisdiction'],
    [{ jurisdiction: 'EU' }, 'jurisdiction'],
    [{ approve: 'sometimes' }, 'approve'],
    [{ sandbox: true }, 'sandbox'],
    [{ datasets: { 'Lung Nodule': 'x' } }, 'datasets.Lung Nodule'],
    [{ surprise: 1 }, '(top)'],
  ])('name the path of what is wrong: %j', (changes, path) => {
    expect(faultOf(() => parse(changes))).toMatchObject({ code: 'SETTINGS_INVALID', facts: { path } });
  });

  it('never repeat a value, wherever it stood', () => {
    const secret = 'S3CRET-VALUE';
    for (const changes of [
      { site: secret },
      { identity: { secret } },
      { jurisdiction: secret },
      { approve: secret },
      { coordinator: { address: `${secret} x` } },
      { log: { level: secret } },
    ]) {
      expect(faultOf(() => parse(changes)).message).not.toContain(secret);
    }
    expect(faultOf(() => parse({}, { CONSILIUM_ENGINE: secret })).message).not.toContain(secret);
  });

  it('are refused whole when they are not a mapping', () => {
    for (const value of [null, 'text', [1], 3]) {
      expect(faultOf(() => parseSettings(value, {}, '/')).code).toBe('SETTINGS_INVALID');
    }
  });

  it('cannot be changed once they are read', () => {
    expect(Object.isFrozen(parse())).toBe(true);
  });
});

describe('the settings file', () => {
  it('is YAML, read with the environment over it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'settings-'));
    const path = join(folder, 'agent.yaml');
    await writeFile(
      path,
      [
        'site: site-a',
        'federation: testfed',
        'state: ./state',
        'coordinator: {address: "hub:1"}',
        'jurisdiction: DE',
      ].join('\n'),
    );
    expect(await readSettings(path, {})).toMatchObject({ state: join(folder, 'state'), datasets: {} });
    await writeFile(path, 'site: [unclosed');
    await expect(readSettings(path, {})).rejects.toMatchObject({ code: 'SETTINGS_UNREADABLE' });
    await expect(readSettings(join(folder, 'none.yaml'), {})).rejects.toMatchObject({ code: 'SETTINGS_UNREADABLE' });
    await rm(folder, { recursive: true });
  });
});
