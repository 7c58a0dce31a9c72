/**
 * A shard of the coordinator's log as one number, so that shards can be ordered and looked up: the UTC year in which it
 * was opened, times a thousand, plus which of that year it is, from 1. Its name, the last part of its origin, is `2026`
 * for the first of a year and `2026-2` for the one that followed it after a restore from an old copy.
 */
export type ShardId = number;

const PARTS = 1000;

/** The first shard of the year that an instant (UTC milliseconds) lies in. */
export const shardAt = (ms: number): ShardId => new Date(ms).getUTCFullYear() * PARTS + 1;

export const yearOfShard = (shard: ShardId): number => Math.floor(shard / PARTS);

export function shardName(shard: ShardId): string {
  const part = shard % PARTS;
  return part === 1 ? `${yearOfShard(shard)}` : `${yearOfShard(shard)}-${part}`;
}

/** Undefined for what is no shard's name. */
export function shardOf(name: string): ShardId | undefined {
  const [, year, part] = /^(\d{4})(?:-([2-9]|[1-9]\d{1,2}))?$/.exec(name) ?? [];
  return year === undefined ? undefined : Number(year) * PARTS + Number(part ?? 1);
}
