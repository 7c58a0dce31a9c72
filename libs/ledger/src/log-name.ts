/** How the logs and keys of a federation are named. The name of a shard is the UTC year in which it was opened. */
export const coordinatorOrigin = (federation: string, shard: number | string): string =>
  `${coordinatorCosigner(federation)}/${shard}`;
export const siteOrigin = (federation: string, site: string, shard: number | string): string =>
  `${siteCosigner(federation, site)}/${shard}`;

/** The key name under which the coordinator cosigns the sites' logs. */
export const coordinatorCosigner = (federation: string): string => `${federation}/coordinator`;
/** The key name under which a site cosigns the coordinator's log. */
export const siteCosigner = (federation: string, site: string): string => `${federation}/site/${site}`;

/** The year in an origin's last part: of `lung/coordinator/2026`, or of `lung/coordinator/2026-2` after a restore. */
export function shardYear(origin: string): number {
  const [, year] = /\/(\d{4})(?:-[1-9]\d{0,2})?$/.exec(origin) ?? [];
  return Number(year);
}
