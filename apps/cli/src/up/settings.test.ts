import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { apiFilePath } from '../connection.js';
import { layoutOf } from './layout.js';
import { apiUrl, coordinatorSettings, siteSettings, type SiteTerms } from './settings.js';

const layout = layoutOf('/srv/demo');
const ports = { http: 4000, grpc: 5000 };
const terms: SiteTerms = {
  site: 'hospital-a',
  federation: 'demo',
  ports,
  study: 'lung-nodule',
  folder: '/srv/demo/data/key/hospital-a',
  engine: 'wasm',
  sandbox: 'on',
};

describe('the state directory', () => {
  it('has a place for everything', () => {
    expect(layout).toMatchObject({
      root: '/srv/demo',
      pki: '/srv/demo/pki',
      coordinatorSettings: '/srv/demo/coordinator/settings.yaml',
      tokenFile: '/srv/demo/coordinator/state/api-token',
    });
    expect(layout.bundle('run-1')).toBe('/srv/demo/audit/run-1');
    expect(layout.personKey('admin')).toBe('/srv/demo/pki/admin.key');
    expect(layout.siteSettings('hospital-a')).toBe('/srv/demo/sites/hospital-a/settings.yaml');
    expect(layout.log('hospital-a')).toBe('/srv/demo/logs/hospital-a.log');
    expect(apiFilePath(layout.root)).toBe('/srv/demo/run/api.json');
  });

  it('may be named relative to the working directory', () => {
    expect(layoutOf('.consilium').root).toBe(resolve('.consilium'));
  });
});

describe('the coordinator’s settings', () => {
  const settings = parse(coordinatorSettings(layout, 'demo', ports)) as Record<string, never>;

  it('listen on the loopback address only', () => {
    expect(settings).toMatchObject({
      federation: 'demo',
      grpc: { host: '127.0.0.1', port: 5000 },
      http: { host: '127.0.0.1', port: 4000 },
    });
    expect(apiUrl(ports)).toBe('http://127.0.0.1:4000');
  });

  it('name its identity relative to themselves, so that the directory can be moved', () => {
    expect(settings['identity']).toBe('identity');
    expect(resolve(dirname(layout.coordinatorSettings), settings['identity']!)).toBe(layout.coordinatorIdentity);
  });

  it('never name the folder of the root’s key', () => {
    expect(coordinatorSettings(layout, 'demo', ports)).not.toContain('pki');
    expect(siteSettings(layout, terms)).not.toContain('pki');
  });

  it('keep its state where the token is looked for', () => {
    const state = resolve(dirname(layout.coordinatorSettings), settings['state']!);
    expect(resolve(state, 'api-token')).toBe(layout.tokenFile);
  });
});

describe('a site’s settings', () => {
  const settings = parse(siteSettings(layout, terms)) as Record<string, unknown>;

  it('name the site, its country and the coordinator', () => {
    expect(settings).toMatchObject({
      site: 'hospital-a',
      federation: 'demo',
      jurisdiction: 'DE',
      coordinator: { address: '127.0.0.1:5000' },
    });
  });

  it('find its identity, where the agent would look for it too, and images from where they are', () => {
    const folder = dirname(layout.siteSettings('hospital-a'));
    expect(settings['identity']).toBe(join('state', 'identity'));
    expect(resolve(folder, String(settings['identity']))).toBe(layout.siteIdentity('hospital-a'));
    expect(settings['datasets']).toEqual({ 'lung-nodule': '../../data/key/hospital-a' });
  });

  it('approve by themselves, and hold to the engine and sandbox that were asked for', () => {
    expect(settings).toMatchObject({ approve: 'auto', engine: 'wasm', sandbox: 'on' });
    expect(parse(siteSettings(layout, { ...terms, sandbox: 'off' }))).toMatchObject({ sandbox: 'off' });
  });

  it('name no other site’s key', () => {
    expect(siteSettings(layout, terms)).not.toMatch(/hospital-[b-z]|\.key/);
  });
});
