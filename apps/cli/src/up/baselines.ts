import { join } from 'node:path';
import { Fault, parseShape } from '@consilium/stdx';
import { z } from 'zod';
import { metricsShape, type Metrics } from '../api/shapes.js';
import { readTextFile, writeFileWhole } from '../files.js';
import { EXTERNAL, type DataFolders } from './data.js';
import { atMost } from './one-shot.js';

/** What `agent train` and `agent evaluate` answer: the model measured on each named test split. */
const measuredShape = z.object({ tests: z.record(z.string(), metricsShape), engine: z.string().optional() });
const progressShape = z.object({
  progress: z.object({
    round: z.number(),
    rounds: z.number(),
    step: z.number(),
    steps: z.number(),
    loss: z.number().nullable(),
  }),
});

export type Measured = z.infer<typeof measuredShape>;

/** One model to train or measure in a process of its own. */
export interface BaselineJob {
  /** File of its result, and its name for people. */
  readonly name: string;
  readonly title: string;
  readonly args: readonly string[];
}

export interface BaselineProgress {
  readonly title: string;
  /** In [0, 1]. */
  readonly share: number;
}

export interface Baselines {
  /** A site's own model on its own test images and on its own copy of the external ones. */
  readonly local: Readonly<Record<string, Measured>>;
  /** A model of all sites' training images together, on every test split. */
  readonly pooled: Measured;
  /** The federated model on the external images; null where there are none. */
  readonly federatedExternal: Metrics | null;
}

interface BaselineOrder {
  readonly sites: readonly string[];
  readonly folders: DataFolders;
  readonly planFile: string;
  readonly modelFile: string;
  readonly modelDigest: string;
  readonly engine: string;
  readonly sandbox: string;
}

/**
 * What to train for the comparison. All start from the plan's initial weights with its graph, preprocessing and number
 * of steps (rounds × localSteps), so that only the images differ. Each local model is measured where it was trained.
 */
export function baselineJobs(order: BaselineOrder): {
  local: BaselineJob[];
  pooled: BaselineJob;
  external: BaselineJob | undefined;
} {
  const { sites, folders, planFile } = order;
  const end = ['--engine', order.engine, '--sandbox', order.sandbox, '--json'];
  const test = (name: string, folder: string | undefined): string[] =>
    folder === undefined ? [] : ['--test', `${name}=${folder}`];
  return {
    local: sites.map((site) => ({
      name: `local-${site}`,
      title: `${site} alone`,
      args: [
        ...['train', '--plan', planFile, '--name', site, '--data', folders.siteFolder(site)],
        ...test(site, folders.siteFolder(site)),
        ...test(EXTERNAL, folders.externalAt(site)),
        ...end,
      ],
    })),
    pooled: {
      name: 'pooled',
      title: 'all images pooled',
      args: [
        ...['train', '--plan', planFile],
        ...sites.flatMap((site) => ['--data', folders.siteFolder(site)]),
        ...sites.flatMap((site) => test(site, folders.siteFolder(site))),
        ...test(EXTERNAL, folders.external),
        ...end,
      ],
    },
    external:
      folders.external === undefined
        ? undefined
        : {
            name: `federated-${order.modelDigest.slice(0, 16)}`,
            title: 'federated, external',
            args: [
              'evaluate',
              '--model',
              order.modelFile,
              '--plan',
              planFile,
              ...test(EXTERNAL, folders.external),
              ...end,
            ],
          },
  };
}

/** Runs an agent's command to its end and answers its last JSON line. */
export type RunBaseline = (job: BaselineJob, onLine: (value: unknown) => void) => Promise<unknown>;

/** At most so many at a time: each uses about one core. */
const AT_ONCE = 2;

/** Trains and measures what is not in `cache` yet; each result is kept there when it comes. */
export async function runBaselines(
  order: BaselineOrder,
  cache: string,
  run: RunBaseline,
  onProgress: (jobs: readonly BaselineProgress[]) => void,
): Promise<Baselines> {
  const { local, pooled, external } = baselineJobs(order);
  // The longest first: pooling gains nothing from more steps, but loading all images takes its time.
  const jobs = [pooled, ...local, ...(external ? [external] : [])];
  const shares = new Map(jobs.map((job) => [job.name, 0]));
  const results = new Map<string, Measured>();
  const show = (): void => onProgress(jobs.map(({ name, title }) => ({ title, share: shares.get(name)! })));
  const tell = (job: BaselineJob, share: number): void => {
    shares.set(job.name, share);
    show();
  };
  show();
  await atMost(
    AT_ONCE,
    jobs.map((job) => async () => {
      const file = join(cache, `${job.name}.json`);
      const measured =
        (await readCached(file)) ??
        parseMeasured(await run(job, (line) => tell(job, shareOf(line) ?? shares.get(job.name)!)), job);
      await writeFileWhole(file, `${JSON.stringify(measured)}\n`);
      results.set(job.name, measured);
      tell(job, 1);
    }),
  );
  return {
    local: Object.fromEntries(order.sites.map((site) => [site, results.get(`local-${site}`)!])),
    pooled: results.get('pooled')!,
    federatedExternal: external ? (results.get(external.name)!.tests[EXTERNAL] ?? null) : null,
  };
}

const parseMeasured = (value: unknown, job: BaselineJob): Measured => {
  const parsed = measuredShape.safeParse(value);
  if (!parsed.success) throw new Fault('MESSAGE_MALFORMED', { program: job.name }, parsed.error);
  return parsed.data;
};

async function readCached(file: string): Promise<Measured | undefined> {
  const text = await readTextFile(file);
  if (text === undefined) return undefined;
  try {
    return parseShape(measuredShape, JSON.parse(text), 'STATE_UNREADABLE');
  } catch {
    return undefined; // Of another release, or damaged: it is measured again.
  }
}

/** How far a training is, from one of its progress lines. Measuring at the end is the last hundredth. */
export function shareOf(line: unknown): number | undefined {
  const parsed = progressShape.safeParse(line);
  if (!parsed.success) return undefined;
  const { round, rounds, step, steps } = parsed.data.progress;
  return Math.min(0.99, (0.99 * (round - 1 + step / Math.max(1, steps))) / Math.max(1, rounds));
}
