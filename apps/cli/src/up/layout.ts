import { join, resolve } from 'node:path';

/** The two people without whom no plan runs. */
export const PERSON_ROLES = ['admin', 'proposer'] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

/** Where things are in a state directory. */
export interface Layout {
  readonly root: string;
  /** The root of the federation and the people's keys. In earnest these are on other machines, the root's on none. */
  readonly pki: string;
  readonly data: string;
  readonly run: string;
  readonly logs: string;
  readonly models: string;
  readonly baselines: string;
  readonly coordinator: string;
  readonly coordinatorSettings: string;
  /** What `consilium ca issue-coordinator` makes. */
  readonly coordinatorIdentity: string;
  /** The bearer token that the coordinator makes at its first start (mode 600). */
  readonly tokenFile: string;
  /** What an auditor believes before looking at anything. */
  readonly policy: string;
  /** The checkpoints that the audit at the end of the last start has seen. */
  readonly lastSeen: string;
  /** The evidence about a run, as `consilium audit fetch` writes it. */
  bundle(run: string): string;
  /** The signing key of one of the two people who sign plans. */
  personKey(role: PersonRole): string;
  /** One folder for each hospital. */
  readonly sites: string;
  siteSettings(name: string): string;
  /** Where a site's `agent join` leaves its keys and certificates. */
  siteIdentity(name: string): string;
  log(name: string): string;
}

export function layoutOf(state: string): Layout {
  const root = resolve(state);
  const [coordinator, pki] = [join(root, 'coordinator'), join(root, 'pki')];
  const sites = join(root, 'sites');
  return {
    root,
    pki,
    sites,
    data: join(root, 'data'),
    run: join(root, 'run'),
    logs: join(root, 'logs'),
    models: join(root, 'models'),
    baselines: join(root, 'baselines'),
    coordinator,
    coordinatorSettings: join(coordinator, 'settings.yaml'),
    coordinatorIdentity: join(coordinator, 'identity'),
    tokenFile: join(coordinator, 'state', 'api-token'),
    policy: join(root, 'policy', 'policy.json'),
    lastSeen: join(root, 'policy', 'last-seen.json'),
    bundle: (run) => join(root, 'audit', run),
    personKey: (role) => join(pki, `${role}.key`),
    siteSettings: (name) => join(sites, name, 'settings.yaml'),
    siteIdentity: (name) => join(sites, name, 'state', 'identity'),
    log: (name) => join(root, 'logs', `${name}.log`),
  };
}
