import type { MerkleTree } from '@consilium/ledger';
import { toHex, type Digest, type SiteName } from '@consilium/stdx';
import type { CoordinatorRecord, SiteRecord } from './recorded.js';

/** Whose log: the coordinator's, or a site's. */
export type Owner = { readonly kind: 'coordinator' } | { readonly kind: 'site'; readonly site: SiteName };

/** What an origin says: `FED/coordinator/2026`, or `FED/site/NAME/2026-2` after a restore. */
export interface Origin {
  readonly federation: string;
  readonly owner: Owner;
  readonly year: number;
  /** Counts the logs of one year from 1. */
  readonly part: number;
}

const ORIGIN = /^([a-z0-9-]+)\/(?:(coordinator)|site\/([a-z0-9-]+))\/(\d{4})(?:-([1-9]\d{0,2}))?$/;

export function parseOrigin(origin: string): Origin | undefined {
  const [, federation, coordinator, site, year, part = '1'] = ORIGIN.exec(origin) ?? [];
  if (!federation) return undefined;
  const owner: Owner = coordinator ? { kind: 'coordinator' } : { kind: 'site', site: site as SiteName };
  return { federation, owner, year: Number(year), part: Number(part) };
}

/** How a cosigner is named in a checkpoint: an origin without its year. */
export const witnessName = (federation: string, owner: Owner): string =>
  owner.kind === 'coordinator' ? `${federation}/coordinator` : `${federation}/site/${owner.site}`;

/** One year's log whose tree, entries and signatures were verified. */
export interface Shard<Record extends CoordinatorRecord | SiteRecord> {
  readonly origin: string;
  readonly year: number;
  readonly part: number;
  readonly size: number;
  readonly root: Digest;
  readonly tree: MerkleTree;
  readonly records: readonly Record[];
  /** When each witness cosigned the final checkpoint, seconds since 1970. */
  readonly cosigned: ReadonlyMap<string, number>;
  /** `sequence` of the first record. */
  readonly offset: number;
}

/** All that one owner has logged, over the years. */
export interface History<Record extends CoordinatorRecord | SiteRecord> {
  readonly shards: readonly Shard<Record>[];
  readonly records: readonly Record[];
}

export type CoordinatorHistory = History<CoordinatorRecord>;
export type SiteHistory = History<SiteRecord>;

/** A history, whoever's. */
export interface AnyHistory {
  readonly shards: readonly LogPart[];
}

type LogPart = Pick<Shard<CoordinatorRecord | SiteRecord>, 'year' | 'size' | 'tree' | 'records'>;

/** A state that somebody else says a log was in. */
export interface LogState {
  readonly year: number;
  readonly size: number;
  readonly root: Digest;
}

/**
 * Whether the log was ever in this state: `behind` where it never had as many entries in that year, `other` where it had
 * another root then, `lost` where a restore says that it gave the entries up. After a restore a year has several logs,
 * and the state may be one of either.
 */
export function wasAt(history: AnyHistory, state: LogState): 'yes' | 'behind' | 'other' | 'lost' {
  const long = history.shards.filter(({ year, size }) => year === state.year && size >= state.size);
  if (long.some(({ tree }) => toHex(tree.root(state.size)) === state.root)) return 'yes';
  if (isLost(history, state)) return 'lost';
  return long.length === 0 ? 'behind' : 'other';
}

const isLost = ({ shards }: AnyHistory, { year, size }: LogState): boolean =>
  shards.some((shard, i) => shard.year === year && shard.size < size && size <= shard.size + lostAfter(shards[i + 1]));

/** How many entries a log's opening says were lost before it. */
const lostAfter = (next: LogPart | undefined): number => {
  const opened = next?.records[0];
  return opened?.type === 'shard.opened' ? opened.lost : 0;
};

/** Whether entries of this owner are known to be lost, so that what its logs do not tell may have been told. */
export const hasLostEntries = ({ shards }: AnyHistory): boolean => shards.some((shard) => lostAfter(shard) > 0);

/** The largest size of this year's log that the bundle holds; 0 where it holds none. */
export const sizeOf = (history: AnyHistory, year: number): number =>
  Math.max(0, ...history.shards.filter((shard) => shard.year === year).map(({ size }) => size));
