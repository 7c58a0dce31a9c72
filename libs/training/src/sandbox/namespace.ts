import { execFile } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { platform } from 'node:os';

/** The flags of util-linux `unshare` that put a command into a network namespace of its own. */
export type UnshareFlags = readonly string[];

/**
 * The ways into a new network namespace, most plain first. With a user namespace it needs no privilege, where the
 * kernel allows that.
 */
const WAYS: readonly UnshareFlags[] = [['--net'], ['--user', '--map-root-user', '--net']];

/** How long a probe may take. */
const PROBE_MS = 5_000;

/**
 * The first way that works here, found by trying it: a command started so must see another network namespace than
 * ours. Undefined where none does: on other systems than Linux, without util-linux, or where the kernel or a container
 * forbids it.
 */
export async function findUnshareFlags(unshare = 'unshare'): Promise<UnshareFlags | undefined> {
  if (platform() !== 'linux') return undefined;
  const own = await namespaceOf('self');
  for (const flags of WAYS) {
    const seen = await outputOf(unshare, [...flags, 'readlink', '/proc/self/ns/net']);
    if (own !== undefined && seen?.startsWith('net:[') && seen !== own) return flags;
  }
  return undefined;
}

/** The network namespace of a process, such as `net:[4026531840]`, or undefined where it cannot be known. */
export async function namespaceOf(pid: number | 'self'): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/ns/net`);
  } catch {
    // No /proc, no such process, or one that we may not look at: all mean that nothing is known.
    return undefined;
  }
}

/** What a command prints, or undefined if it fails. */
function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: PROBE_MS }, (error, stdout) => resolve(error ? undefined : stdout.trim()));
  });
}
