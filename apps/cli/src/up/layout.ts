import { join, resolve } from 'node:path';

/** Where things are in a state directory. */
export interface Layout {
  readonly root: string;
  readonly pki: string;
  readonly data: string;
  readonly run: string;
  readonly logs: string;
  readonly models: string;
  readonly baselines: string;
  readonly coordinator: string;
  readonly coordinatorSettings: string;
  /** The bearer token that the coordinator makes at its first start (mode 600). */
  readonly tokenFile: string;
  siteSettings(name: string): string;
  log(name: string): string;
}

export function layoutOf(state: string): Layout {
  const root = resolve(state);
  const coordinator = join(root, 'coordinator');
  return {
    root,
    pki: join(root, 'pki'),
    data: join(root, 'data'),
    run: join(root, 'run'),
    logs: join(root, 'logs'),
    models: join(root, 'models'),
    baselines: join(root, 'baselines'),
    coordinator,
    coordinatorSettings: join(coordinator, 'settings.yaml'),
    tokenFile: join(coordinator, 'state', 'api-token'),
    siteSettings: (name) => join(root, 'sites', name, 'settings.yaml'),
    log: (name) => join(root, 'logs', `${name}.log`),
  };
}
