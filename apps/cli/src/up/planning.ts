import { parsePlan, type Plan } from '@consilium/round';
import { digestOfJson, invariant, type Digest } from '@consilium/stdx';
import type { NewStudy, RunListed } from '../api/shapes.js';
import { hasEnded } from '../run/states.js';
import { SITES_MAX, type UpOptions } from './options.js';

/** `hospital-a`, `hospital-b`, … and with a number after the alphabet. */
export const siteNames = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `hospital-${i < 26 ? String.fromCharCode(97 + i) : i + 1}`);

/** The phantom's four scanners, given out in turn. */
export const scannerOf = (index: number): 'a' | 'b' | 'c' | 'd' => (['a', 'b', 'c', 'd'] as const)[index % 4]!;

type PlanOptions = Pick<UpOptions, 'sites' | 'rounds' | 'seed'>;

/**
 * The template's plan for this machine. All sites must report in each round, and the coordinator keeps their updates, so
 * that the audit at the end can compute each model again. The digest of a data file stands in the purpose, so that
 * another file is another plan, and no run or baseline of one is ever taken for the other's.
 */
export function planFor(template: Readonly<Record<string, unknown>>, options: PlanOptions, dataDigest?: Digest): Plan {
  const rounds = (template['rounds'] ?? {}) as Record<string, unknown>;
  const purpose = String(template['purpose'] ?? '').trim();
  return parsePlan({
    ...template,
    sites: siteNames(options.sites),
    rounds: { ...rounds, count: options.rounds ?? rounds['count'], minSites: options.sites },
    audit: { retainUpdates: true },
    seed: options.seed,
    ...(dataDigest === undefined ? {} : { purpose: `${purpose} Images: the file of SHA-256 ${dataDigest}.` }),
  });
}

/**
 * The study under which the plan is proposed. Its terms never change once it is registered, and another start may ask
 * more hospitals; so it names all that a demonstration can have.
 */
export function studyFor(
  { study, governance }: Plan,
  { title, purpose }: { title: string; purpose: string },
): NewStudy {
  invariant(governance, 'a template says under which governance its study runs');
  return { name: study, title, purpose, ...governance, sites: siteNames(SITES_MAX) };
}

/** Options that change a site's images get folders of their own, and so does another release. */
export function dataKey(
  options: Pick<UpOptions, 'study' | 'seed' | 'sites'>,
  release: string,
  dataDigest?: Digest,
): string {
  const { study, seed, sites } = options;
  return `${study}-${digestOfJson({ release, study, seed, sites: siteNames(sites), data: dataDigest ?? null }).slice(0, 16)}`;
}

export interface RunDecision {
  /** The unfinished run of the same plan to go on with. */
  readonly resume?: RunListed;
  /** Unfinished runs that would compete for the sites. */
  readonly pause: readonly RunListed[];
}

/** The newest unfinished run of the plan goes on; every other unfinished one that is not paused already is to be paused. */
export function decideRun(runs: readonly RunListed[], planDigest: string): RunDecision {
  const unfinished = runs.filter((run) => !hasEnded(run.state));
  const [resume] = unfinished.filter((run) => run.planDigest === planDigest).sort((a, b) => b.createdMs - a.createdMs);
  const pause = unfinished.filter((run) => run.id !== resume?.id && run.state !== 'paused');
  return { ...(resume ? { resume } : {}), pause };
}
