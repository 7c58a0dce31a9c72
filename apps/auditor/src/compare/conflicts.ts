import {
  CHECKPOINT_PATH,
  decodeEntryBundle,
  entryBundles,
  findConflict,
  LOG_SIGNATURE,
  MerkleTree,
  noteText,
  openCheckpoint,
  tilePath,
  verifierKey,
  type Equivocation,
  type VerifierKey,
  type View,
} from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import { logFolder, originsIn, type Bundle } from '../bundle/bundle.js';
import { copyLog } from '../bundle/copy-log.js';
import { claimedKeys } from './claimed-keys.js';

export interface Conflict {
  readonly origin: string;
  readonly evidence: Equivocation;
}

/**
 * Holds the logs that both bundles have against each other. With `trusted` only those keys count; without it a key that
 * a bundle's own rosters name will do, since whoever signed twice with it has signed twice.
 */
export async function conflictsBetween(
  a: Bundle,
  b: Bundle,
  trusted: readonly VerifierKey[] | undefined,
): Promise<{ readonly compared: number; readonly conflicts: readonly Conflict[] }> {
  const shared = originsIn(a).filter((origin) => originsIn(b).includes(origin));
  if (shared.length === 0) throw new Fault('NOT_FOUND', { what: 'a log that both have' });
  const claimed = trusted ? [] : [...(await claimedKeys(a)), ...(await claimedKeys(b))];
  const conflicts: Conflict[] = [];
  for (const origin of shared) {
    const candidates = trusted
      ? trusted.filter(({ name }) => origin.startsWith(`${name}/`)).map(({ publicKey }) => publicKey)
      : claimed;
    const [one, other] = [await viewOf(a, origin), await viewOf(b, origin)];
    const key = keyOf([one, other], origin, candidates);
    const evidence = findConflict(one, other, key);
    if (evidence) conflicts.push({ origin, evidence });
  }
  return { compared: shared.length, conflicts };
}

/** The key with which both checkpoints are signed. LEDGER_SIGNATURE_INVALID where no known key has signed both. */
function keyOf(views: readonly View[], origin: string, candidates: readonly Uint8Array[]): VerifierKey {
  const keys = candidates.map((publicKey) => verifierKey(origin, LOG_SIGNATURE, publicKey));
  const signed = keys.find((key) => views.every(({ note }) => opens(note, key)));
  if (!signed) throw new Fault('LEDGER_SIGNATURE_INVALID', { what: 'no known key has signed both checkpoints' });
  return signed;
}

function opens(note: string, key: VerifierKey): boolean {
  try {
    openCheckpoint(note, key, []);
    return true;
  } catch (error) {
    if (Fault.is(error)) return false;
    throw error;
  }
}

/** The checkpoint and, over the entries that are there, the tree. */
async function viewOf(bundle: Bundle, origin: string): Promise<View> {
  const copy = await copyLog({ read: (path) => bundle.read(logFolder(origin) + path) });
  if (!copy) throw new Fault('NOT_FOUND', { what: 'a checkpoint' });
  const tree = new MerkleTree();
  for (const { index, width } of entryBundles(copy.size)) {
    const entries = decodeEntryBundle(copy.files.get(tilePath('entries', index, width))!, width);
    for (const entry of entries) tree.append(entry);
  }
  return { note: noteText(copy.files.get(CHECKPOINT_PATH)!), tree };
}
