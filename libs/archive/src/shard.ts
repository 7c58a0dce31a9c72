/**
 * The name of a shard: the UTC year in which it was opened, or `2026-2` for the second that was opened in 2026, after a
 * restore from an old copy: whoever has cosigned the first to a larger size would refuse to go on with it.
 */
export const isShardName = (name: string): boolean => /^\d{4}(?:-(?:[2-9]|[1-9]\d{1,2}))?$/.test(name);

/** Its year and its place within the year, from 1. */
export function shardPlace(name: string): { readonly year: number; readonly part: number } {
  const [year, part = '1'] = name.split('-');
  return { year: Number(year), part: Number(part) };
}

/** Oldest first. */
export const sortShards = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => {
    const [one, other] = [shardPlace(a), shardPlace(b)];
    return one.year - other.year || one.part - other.part;
  });

/** The shard to open in this year when `current` is the newest; undefined while the newest is to be gone on with. */
export function nextShard(current: string, year: number, reason: 'year' | 'restore'): string | undefined {
  const { year: opened, part } = shardPlace(current);
  if (year > opened) return String(year); // a clock that goes back a year opens nothing
  return reason === 'restore' ? `${opened}-${part + 1}` : undefined;
}

/** The UTC year of an instant in milliseconds. */
export const yearOf = (ms: number): number => new Date(ms).getUTCFullYear();
