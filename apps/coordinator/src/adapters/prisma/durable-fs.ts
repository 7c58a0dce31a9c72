import { fsyncSync } from 'node:fs';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { invariant } from '@consilium/stdx';

/**
 * PGlite on a folder so that a committed transaction survives a power cut. Out of the box it does not: PGlite starts
 * PostgreSQL with `-F` (no fsync), and Emscripten's file system has no fsync at all. This leans on two internals of the
 * pinned release, `NODEFS.stream_ops` and `PGlite.defaultStartParams`; a test counts the syncs.
 */
export function durableOptions(folder: string): PGliteOptions {
  const { defaultStartParams } = PGlite as unknown as { defaultStartParams?: readonly string[] };
  invariant(defaultStartParams && defaultStartParams.includes('-F'), 'this release of PGlite starts without fsync');
  const startParams = [
    ...defaultStartParams.filter((param) => param !== '-F'),
    ...SETTINGS.flatMap((set) => ['-c', set]),
  ];
  return { fs: new DurableNodeFS(folder), startParams };
}

/** One session and small transactions: with the server's defaults the process would hold 130 MB more for nothing. */
const SETTINGS = [
  'wal_sync_method=fsync', // Emscripten's fdatasync does nothing.
  'shared_buffers=16MB',
  'wal_buffers=1MB',
  'max_connections=8',
  'jit=off',
];

type EmscriptenModule = { NODEFS: { stream_ops: { fsync?: (stream: { nfd?: number }) => number } } };

export class DurableNodeFS extends NodeFS {
  /** How often a file was synced in this process. */
  static syncs = 0;

  override async init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const made = await super.init(pg, options);
    const addFsync = (module: unknown): void => {
      (module as EmscriptenModule).NODEFS.stream_ops.fsync = ({ nfd }) => {
        DurableNodeFS.syncs++;
        if (nfd !== undefined) fsyncSync(nfd);
        return 0;
      };
    };
    made.emscriptenOpts.preRun = [...(made.emscriptenOpts.preRun ?? []), addFsync];
    return made;
  }
}
