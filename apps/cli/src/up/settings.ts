import { dirname, relative } from 'node:path';
import { stringify } from 'yaml';
import type { Layout } from './layout.js';
import type { Engine } from './options.js';

const HOST = '127.0.0.1';

/** Under which names and addresses the agents reach the coordinator: its certificate bears them. */
export const COORDINATOR_HOSTS: readonly string[] = ['localhost', HOST];

/** Whose law binds the hospitals of the demonstration. */
export const JURISDICTION = 'DE';

export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

const HEAD = '# Written anew by `consilium up` at each start.\n';

/** The coordinator's settings file. Paths are relative to it, so that the state directory can be moved. */
export function coordinatorSettings(layout: Layout, federation: string, ports: Ports): string {
  return (
    HEAD +
    stringify({
      federation,
      state: 'state',
      identity: relative(dirname(layout.coordinatorSettings), layout.coordinatorIdentity),
      grpc: { host: HOST, port: ports.grpc },
      http: { host: HOST, port: ports.http },
      log: { level: 'info', format: 'json' },
    })
  );
}

export interface SiteTerms {
  readonly site: string;
  readonly federation: string;
  readonly ports: Ports;
  readonly study: string;
  readonly folder: string;
  readonly engine: Engine;
  readonly sandbox: 'on' | 'off';
}

/**
 * One site's settings file. It approves by itself, as only a demonstration may; `up` says so on screen. No key of the
 * coordinator is pinned: the site believes the root that its one-time token names.
 */
export function siteSettings(layout: Layout, terms: SiteTerms): string {
  const file = layout.siteSettings(terms.site);
  const here = (path: string): string => relative(dirname(file), path);
  return (
    HEAD +
    stringify({
      site: terms.site,
      federation: terms.federation,
      jurisdiction: JURISDICTION,
      state: 'state',
      identity: here(layout.siteIdentity(terms.site)),
      coordinator: { address: `${HOST}:${terms.ports.grpc}` },
      datasets: { [terms.study]: here(terms.folder) },
      engine: terms.engine,
      sandbox: terms.sandbox,
      approve: 'auto',
      log: { level: 'info', format: 'json' },
    })
  );
}

export const apiUrl = (ports: Ports): string => `http://${HOST}:${ports.http}`;
