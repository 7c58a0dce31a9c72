import { canonicalJson, Fault } from '@consilium/stdx';
import { z } from 'zod';
import { attempt } from './attempt.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { sameBytes } from './hash.js';
import { verifyConsistency } from './proof.js';
import { encodeVerifierKey, parseVerifierKey, sameKey, type VerifierKey } from './verifier-key.js';

/** A checkpoint that somebody was shown, and, where the log was shown too, its tree. */
export interface View {
  readonly note: string;
  readonly tree?: {
    root(size: number): Uint8Array;
    consistencyProof(oldSize: number, size: number): Uint8Array[];
  };
}

const schema = z.strictObject({
  schema: z.literal('consilium.equivocation/1'),
  /** The log's key as a vkey (C2SP signed-note). Whether it is the log that one trusts is for the reader to compare. */
  logKey: z.string().max(1000),
  /** The smaller checkpoint, then the larger: both signed, and not both true. */
  first: z.string(),
  second: z.string(),
  /** Absent when both have the same size: then the two roots speak for themselves. */
  prefix: z
    .strictObject({
      /** What the larger tree really has at the smaller size, base64, and the proof that it has. */
      root: z.string(),
      consistency: z.array(z.string()).max(63),
    })
    .optional(),
});

/** Two signed checkpoints of one log that cannot both be true, with what convinces anybody who knows the log's key. */
export type Equivocation = z.infer<typeof schema>;

/**
 * Compares what two parties were shown of one log. Returns the evidence if the log told them different histories, null
 * if one is a prefix of the other.
 * @throws LEDGER_PROOF_INVALID when the larger checkpoint comes without a tree that leads to its root, so that nothing
 *   can be said; LEDGER_NOTE_INVALID or LEDGER_SIGNATURE_INVALID when either is no checkpoint of this log
 */
export function findConflict(a: View, b: View, logKey: VerifierKey): Equivocation | null {
  const [one, other] = [opened(a, logKey), opened(b, logKey)];
  const [smaller, larger] = one.size <= other.size ? [one, other] : [other, one];
  const claim = {
    schema: 'consilium.equivocation/1' as const,
    logKey: encodeVerifierKey(logKey),
    first: smaller.note,
    second: larger.note,
  };
  if (smaller.size === larger.size) return sameBytes(smaller.root, larger.root) ? null : claim;
  const { tree, size } = larger;
  if (!tree) throw new Fault('LEDGER_PROOF_INVALID', { what: 'the larger checkpoint comes without its log' });
  const root = tree.root(smaller.size);
  const consistency = tree.consistencyProof(smaller.size, size);
  verifyConsistency({ oldSize: smaller.size, size, oldRoot: root, root: larger.root, proof: consistency });
  if (sameBytes(root, smaller.root)) return null;
  return { ...claim, prefix: { root: encodeBase64(root), consistency: consistency.map(encodeBase64) } };
}

const opened = (view: View, logKey: VerifierKey): View & Checkpoint => ({
  ...view,
  ...openCheckpoint(view.note, logKey, []).checkpoint,
});

/** Whether this is evidence, in its one canonical form, that the log with this key has told two histories. */
export function verifyEquivocation(evidence: unknown, logKey: VerifierKey): boolean {
  const read = schema.safeParse(evidence);
  return read.success && attempt(() => contradicts(read.data, logKey)).value === true;
}

function contradicts({ logKey: named, first, second, prefix }: Equivocation, logKey: VerifierKey): boolean {
  if (!sameKey(parseVerifierKey(named), logKey)) return false;
  const smaller = openCheckpoint(first, logKey, []).checkpoint;
  const larger = openCheckpoint(second, logKey, []).checkpoint;
  if (smaller.size === larger.size) return !prefix && !sameBytes(smaller.root, larger.root);
  if (smaller.size > larger.size || !prefix) return false;
  const [root, ...proof] = [prefix.root, ...prefix.consistency].map((text) => decodeBase64(text) ?? new Uint8Array());
  // A proof that starts at another root than the smaller checkpoint's and ends at the larger one's: the larger tree does
  // not begin with the smaller.
  verifyConsistency({ oldSize: smaller.size, size: larger.size, oldRoot: root!, root: larger.root, proof });
  return !sameBytes(root!, smaller.root);
}

/** The evidence as a file: canonical JSON (RFC 8785). */
export const encodeEquivocation = (evidence: Equivocation): string => canonicalJson(evidence);
