import { dirname, resolve } from 'node:path';
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
  pin: 'ab'.repeat(32),
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

  it('name its certificate and key relative to themselves, so that the directory can be moved', () => {
    expect(settings['tls']).toEqual({
      ca: '../pki/ca.pem',
      certificate: '../pki/coordinator.pem',
      privateKey: '../pki/coordinator.key',
    });
  });

  it('keep its state where the token is looked for', () => {
    const state = resolve(dirname(layout.coordinatorSettings), settings['state']!);
    expect(resolve(state, 'api-token')).toBe(layout.tokenFile);
  });
});

describe('a site’s settings', () => {
  const settings = parse(siteSettings(layout, terms)) as Record<string, unknown>;

  it('name the site, the coordinator and the key that it must have', () => {
    expect(settings).toMatchObject({
      site: 'hospital-a',
      federation: 'demo',
      coordinator: { address: '127.0.0.1:5000', pin: terms.pin },
    });
  });

  it('find the certificates and images from where they are', () => {
    expect(settings['tls']).toEqual({
      ca: '../../pki/ca.pem',
      certificate: '../../pki/hospital-a.pem',
      privateKey: '../../pki/hospital-a.key',
    });
    expect(settings['datasets']).toEqual({ 'lung-nodule': '../../data/key/hospital-a' });
  });

  it('approve by themselves, and hold to the engine and sandbox that were asked for', () => {
    expect(settings).toMatchObject({ approve: 'auto', engine: 'wasm', sandbox: 'on' });
    expect(parse(siteSettings(layout, { ...terms, sandbox: 'off' }))).toMatchObject({ sandbox: 'off' });
  });

  it('name no other site’s key', () => {
    expect(siteSettings(layout, terms)).not.toMatch(/hospital-[b-z]|coordinator\.key|ca\.key/);
  });
});
