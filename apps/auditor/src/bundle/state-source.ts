import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readOnlyLog } from '@consilium/archive';
import { isErrno } from '@consilium/machine';
import { Fault, type Digest } from '@consilium/stdx';
import type { Shelf } from './bundle.js';
import { readPlainFile } from './folder.js';
import type { Source, SourceLog } from './source.js';

/** How deep below a directory somebody's state may lie: `consilium up` keeps `coordinator/state` and `sites/NAME/state`. */
const DEPTH_MAX = 4;

/** The names under which a state directory keeps what a bundle has; only these are ever read, so no key is. */
const PLACES: Readonly<Record<Shelf, (digest: Digest) => readonly string[]>> = {
  document: (digest) => [`documents/${digest}.json`],
  model: (digest) => [`models/${digest}.safetensors`],
  update: (digest) => [`retained/${digest}`, `retained/${digest}.safetensors`],
};

/**
 * The state directories in a directory: itself, if it holds a log, or those below it. A coordinator's and a site's are
 * told apart by nothing but their logs' names. NOT_FOUND where there is none.
 */
export async function stateSources(directory: string): Promise<readonly Source[]> {
  const states = await statesIn(directory, DEPTH_MAX);
  if (states.length === 0) throw new Fault('NOT_FOUND', { what: 'a log in the state directory' });
  return states.map((state) => new StateSource(state));
}

class StateSource implements Source {
  constructor(private readonly state: string) {}

  async logs(): Promise<readonly SourceLog[]> {
    const log = readOnlyLog(join(this.state, 'ledger'));
    return (await log.shards()).map((shard) => ({ read: log.shard(shard) }));
  }

  async file(shelf: Shelf, digest: Digest): Promise<Uint8Array | undefined> {
    for (const place of PLACES[shelf](digest)) {
      const bytes = await readPlainFile(join(this.state, place));
      if (bytes) return bytes;
    }
    return undefined;
  }
}

async function statesIn(directory: string, depth: number): Promise<string[]> {
  const folders = await foldersIn(directory);
  if (folders.includes('ledger')) {
    const shards = await readOnlyLog(join(directory, 'ledger')).shards();
    if (shards.length > 0) return [directory];
  }
  if (depth === 0) return [];
  const below: string[] = [];
  for (const name of folders.sort()) below.push(...(await statesIn(join(directory, name), depth - 1)));
  return below;
}

async function foldersIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw new Fault('STATE_UNREADABLE', { what: 'the state directory' }, error);
  }
}
