/** The last line of `consilium up --json`; apps/cli/schemas/up-result.schema.json is its contract. */
export interface UpResult {
  readonly study: string;
  readonly seed: number;
  readonly engine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly secondsToFirstRound: number;
  readonly modelDigest: string;
  readonly coordinatorPeakRssBytes: number;
  readonly sites: readonly {
    readonly name: string;
    readonly examples: number;
    readonly localAuc: number | null;
    readonly federatedAuc: number | null;
    readonly pooledAuc: number | null;
    readonly bytesUp: number;
    readonly bytesDown: number;
  }[];
  readonly external: {
    readonly name: string;
    readonly localAucMean: number | null;
    readonly federatedAuc: number | null;
    readonly pooledAuc: number | null;
  } | null;
  readonly audit: {
    readonly verdict: 'pass' | 'fail';
    readonly findings: readonly { readonly code: string; readonly entry: string | null }[];
    /** Folder with the evidence. */
    readonly bundle: string;
  };
}

const mean = (values: readonly (number | null | undefined)[]): number => {
  const known = values.filter((value): value is number => typeof value === 'number');
  return known.reduce((sum, value) => sum + value, 0) / known.length;
};

/** Means over hospitals and the external one. */
export const meanAucs = (result: UpResult): { federated: number; local: number; pooled: number } => ({
  federated: mean([...result.sites.map((site) => site.federatedAuc), result.external?.federatedAuc]),
  local: mean([...result.sites.map((site) => site.localAuc), result.external?.localAucMean]),
  pooled: mean([...result.sites.map((site) => site.pooledAuc), result.external?.pooledAuc]),
});
