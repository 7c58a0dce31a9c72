import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePublicKey, policySchema, publicKeyOfFile, type Policy } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault, NAME_PATTERN, parseShape } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';
import type { Layout } from './layout.js';

type Checkpoints = Policy['checkpoints'];

/**
 * Writes what an auditor of this federation believes: its root, the keys of the coordinator and of every site that was
 * enrolled here, and how far each log had come when the last start ended. It is read from each party's own folder, as an
 * auditor would ask each party for it (`consilium agent identity`), and never from the coordinator or from a bundle.
 */
export async function writePolicy(layout: Layout, federation: string): Promise<void> {
  const root = await readTextFile(join(layout.pki, 'root.pem'));
  if (root === undefined) throw new Fault('NOT_FOUND', { file: 'root.pem' });
  const names = await enrolledSites(layout);
  const sites = await Promise.all(
    names.map(async (name) => ({ name, signing: await signingKeyIn(layout.siteIdentity(name)), approvers: [] })),
  );
  const policy = parseShape(
    policySchema,
    {
      schema: 'consilium.policy/1',
      federation,
      root,
      coordinator: { signing: await signingKeyIn(layout.coordinatorIdentity) },
      sites,
      checkpoints: await lastSeen(layout),
    },
    'STATE_UNREADABLE',
  );
  await writeFileWhole(layout.policy, `${JSON.stringify(policy, null, 2)}\n`);
}

/** Keeps how far each log has come, so that the next start's audit refuses one that is shorter or another by then. */
export async function rememberCheckpoints(layout: Layout, seen: Checkpoints): Promise<void> {
  const known = new Map((await lastSeen(layout)).map((checkpoint) => [checkpoint.origin, checkpoint]));
  for (const { origin, size, root } of seen) known.set(origin, { origin, size, root });
  await writeFileWhole(layout.lastSeen, `${JSON.stringify([...known.values()], null, 2)}\n`);
}

async function lastSeen(layout: Layout): Promise<Checkpoints> {
  const text = await readTextFile(layout.lastSeen);
  if (text === undefined) return [];
  try {
    return parseShape(policySchema.shape.checkpoints, JSON.parse(text), 'STATE_UNREADABLE');
  } catch (error) {
    // Not to be made up for: without it a log that was cut short would pass.
    throw new Fault('STATE_UNREADABLE', { file: 'policy/last-seen.json' }, error);
  }
}

/** Also those that take no part this time: the roster lists them, and the coordinator’s log tells of them. */
async function enrolledSites(layout: Layout): Promise<string[]> {
  const names = await readdir(layout.sites).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
  const sites = names.filter((name) => NAME_PATTERN.test(name)).sort();
  const enrolled = await Promise.all(sites.map((site) => exists(join(layout.siteIdentity(site), 'certificate.pem'))));
  return sites.filter((_, i) => enrolled[i]);
}

async function signingKeyIn(folder: string): Promise<string> {
  const text = await readTextFile(join(folder, 'signing.key'));
  if (text === undefined) throw new Fault('NOT_FOUND', { file: 'signing.key' });
  return encodePublicKey(publicKeyOfFile(text).publicKey);
}
