/** What stands where a number is undefined or not yet known. */
export const NOTHING = '–';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in decimal units with three significant digits: `0 B`, `512 B`, `1.25 MB`, `117 kB`. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
}

/** A duration for people: `0.4 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`. */
export function duration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A countdown that keeps its width while it runs: `0:42`, `12:05`, `1:02:05`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A measure in [0, 1] or a loss, with three decimals; a dash where it is undefined. */
export const measure = (value: number | null | undefined): string =>
  value === null || value === undefined || !Number.isFinite(value) ? NOTHING : value.toFixed(3);

export const percent = (fraction: number): string => `${Math.floor(100 * Math.min(1, Math.max(0, fraction)))} %`;

/** `1 site`, `4 sites`. */
export const count = (n: number, singular: string, plural = `${singular}s`): string =>
  `${n} ${n === 1 ? singular : plural}`;

/** A UTC time as ISO 8601 without fractions of a second. */
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
