import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Vectors that others have made: `rfc6962` is the test data of transparency-dev/merkle (Apache-2.0). */
const VECTORS = resolve(import.meta.dirname, '../../..', process.env['CONSILIUM_VECTORS'] ?? '../shared/vectors');

export const hasVectors = existsSync(join(VECTORS, 'rfc6962'));

/** All vectors of one kind, each with its file's name. */
export function vectorsOf(kind: 'inclusion' | 'consistency'): [string, Record<string, unknown>][] {
  if (!hasVectors) return [];
  const folder = join(VECTORS, 'rfc6962', kind);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))]);
}
