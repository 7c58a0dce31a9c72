import type { Run } from '../api/shapes.js';
import type { Audit, AuditReport } from './audit.js';
import type { Baselines } from './baselines.js';
import { EXTERNAL } from './data.js';

/** What `consilium up --json` prints last; its schema is `schemas/up-result.schema.json`. */
export interface UpResult {
  readonly study: string;
  readonly seed: number;
  readonly engine: string;
  readonly rounds: number;
  /** From the start of the program to this result. */
  readonly seconds: number;
  /** From the start of the program to the first round that this start saw committed; null when it only saw the end of a run. */
  readonly secondsToFirstRound: number | null;
  readonly modelDigest: string;
  /** Null where the operating system does not tell. */
  readonly coordinatorPeakRssBytes: number | null;
  readonly sites: readonly SiteResult[];
  readonly external: ExternalResult | null;
  readonly audit: AuditResult;
}

/** What the auditor says about the federation’s evidence once the run had ended. */
export interface AuditResult {
  readonly verdict: 'pass' | 'fail';
  readonly findings: AuditReport['findings'];
  /** The folder with the evidence, from which `consilium audit report` repeats the verdict. */
  readonly bundle: string;
}

export interface SiteResult {
  readonly name: string;
  readonly examples: number;
  /** Areas under the ROC curve on the site's own test images; null where undefined, as with one class only. */
  readonly localAuc: number | null;
  readonly federatedAuc: number | null;
  readonly pooledAuc: number | null;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface ExternalResult {
  readonly name: string;
  readonly localAucMean: number | null;
  readonly federatedAuc: number | null;
  readonly pooledAuc: number | null;
}

export interface Facts {
  readonly study: string;
  readonly seed: number;
  readonly engine: string;
  readonly secondsToFirstRound: number | null;
  readonly seconds: number;
  readonly coordinatorPeakRssBytes: number | null;
}

/** Puts the run, the comparison and the audit together. `run` has finished, so it has a model. */
export function resultOf(
  run: Run & { modelDigest: string },
  baselines: Baselines,
  { bundle, report }: Audit,
  facts: Facts,
): UpResult {
  const { local, pooled, federatedExternal } = baselines;
  const auc = (tests: Baselines['pooled']['tests'] | undefined, name: string): number | null =>
    tests?.[name]?.auc?.value ?? null;
  const hasExternal = EXTERNAL in pooled.tests;
  return {
    study: facts.study,
    seed: facts.seed,
    engine: pooled.engine ?? facts.engine,
    rounds: run.rounds,
    seconds: rounded(facts.seconds),
    secondsToFirstRound: facts.secondsToFirstRound === null ? null : rounded(facts.secondsToFirstRound),
    modelDigest: run.modelDigest,
    coordinatorPeakRssBytes: facts.coordinatorPeakRssBytes,
    sites: run.sites.map((site) => ({
      name: site.name,
      examples: site.examples ?? 0,
      localAuc: auc(local[site.name]?.tests, site.name),
      federatedAuc: site.metrics?.auc?.value ?? null,
      pooledAuc: auc(pooled.tests, site.name),
      bytesUp: site.bytesUp,
      bytesDown: site.bytesDown,
    })),
    external: hasExternal
      ? {
          name: EXTERNAL,
          localAucMean: mean(run.sites.map((site) => auc(local[site.name]?.tests, EXTERNAL))),
          federatedAuc: federatedExternal?.auc?.value ?? null,
          pooledAuc: auc(pooled.tests, EXTERNAL),
        }
      : null,
    audit: { verdict: report.verdict, findings: report.findings, bundle },
  };
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/** The mean of what is defined; null where nothing is. */
export function mean(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return defined.length === 0 ? null : defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
