import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The socket on which the agent of this state directory answers. */
export const controlSocket = (state: string): string => join(state, 'control.sock');

/** unix(7) leaves 108 bytes for a socket's path, and some systems fewer. */
const PATH_BYTES_MAX = 100;

/**
 * Calls `use` with a name for the socket that fits: the path itself, or on Linux the same file named through its open
 * directory, since a state directory may lie deeper than a socket's name is long.
 */
export async function withSocketPath<T>(path: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX || process.platform !== 'linux') return use(path);
  const directory = await open(dirname(path), 'r');
  try {
    return await use(`/proc/self/fd/${directory.fd}/${basename(path)}`);
  } finally {
    await directory.close();
  }
}
