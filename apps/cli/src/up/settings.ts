import { dirname, relative } from 'node:path';
import { stringify } from 'yaml';
import { pkiFile } from './certificates.js';
import type { Layout } from './layout.js';
import type { Engine } from './options.js';

const HOST = '127.0.0.1';

export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

const HEAD = '# Written anew by `consilium up` at each start.\n';

const tls = (layout: Layout, settings: string, subject: string): Record<string, string> => {
  const here = (file: string): string => relative(dirname(settings), file);
  return {
    ca: here(pkiFile(layout, 'ca')),
    certificate: here(pkiFile(layout, subject)),
    privateKey: here(pkiFile(layout, subject, 'key')),
  };
};

/** The coordinator's settings file. Paths are relative to it, so that the state directory can be moved. */
export function coordinatorSettings(layout: Layout, federation: string, ports: Ports): string {
  return (
    HEAD +
    stringify({
      federation,
      state: 'state',
      grpc: { host: HOST, port: ports.grpc },
      http: { host: HOST, port: ports.http },
      tls: tls(layout, layout.coordinatorSettings, 'coordinator'),
      log: { level: 'info', format: 'json' },
    })
  );
}

export interface SiteTerms {
  readonly site: string;
  readonly federation: string;
  readonly ports: Ports;
  /** SHA-256 of the coordinator's public key: the agent believes no other. */
  readonly pin: string;
  readonly study: string;
  readonly folder: string;
  readonly engine: Engine;
  readonly sandbox: 'on' | 'off';
}

/** One site's settings file. It approves by itself, as only a demonstration may; `up` says so on screen. */
export function siteSettings(layout: Layout, terms: SiteTerms): string {
  const file = layout.siteSettings(terms.site);
  return (
    HEAD +
    stringify({
      site: terms.site,
      federation: terms.federation,
      state: 'state',
      coordinator: { address: `${HOST}:${terms.ports.grpc}`, pin: terms.pin },
      tls: tls(layout, file, terms.site),
      datasets: { [terms.study]: relative(dirname(file), terms.folder) },
      engine: terms.engine,
      sandbox: terms.sandbox,
      approve: 'auto',
      log: { level: 'info', format: 'json' },
    })
  );
}

export const apiUrl = (ports: Ports): string => `http://${HOST}:${ports.http}`;
