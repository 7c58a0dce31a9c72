import { Fault, invariant } from '@consilium/stdx';
import { attempt } from './attempt.js';
import { encodeBase64 } from './base64.js';
import { openCheckpoint, type OpenedCheckpoint } from './checkpoint.js';
import { readEntry, type CoordinatorEntry } from './entry.js';
import { leafHash } from './hash.js';
import { verifyInclusion } from './proof.js';
import type { VerifierKey } from './verifier-key.js';

/** That an entry stands in the coordinator's log, under a checkpoint that sites have cosigned. */
export interface Evidence {
  /** The entry as it is hashed. */
  readonly entry: Uint8Array;
  readonly index: number;
  /** The checkpoint with its cosignatures. */
  readonly note: string;
  readonly inclusion: readonly Uint8Array[];
}

/** Whom a site believes. All of it comes from the plan that the site approved, nothing from the coordinator. */
export interface EvidencePolicy {
  readonly logKey: VerifierKey | readonly VerifierKey[];
  /** The plan's sites as cosigners, each key once. */
  readonly witnesses: readonly VerifierKey[];
  /** How many of them must have cosigned: `quorumOf(witnesses.length)`. */
  readonly quorum: number;
}

/**
 * The entry, once it is shown that enough sites saw the same history with it inside. Since any two quorums share an
 * honest site, two sites cannot be shown two different entries for the same round.
 * @throws LEDGER_NOT_WITNESSED when too few have cosigned, LEDGER_EVIDENCE_INVALID for everything else
 */
export function requireEvidence(
  evidence: Evidence,
  { logKey, witnesses, quorum }: EvidencePolicy,
): OpenedCheckpoint & { readonly entry: CoordinatorEntry } {
  invariant(Number.isSafeInteger(quorum) && quorum >= 1 && quorum <= witnesses.length, 'a quorum is of the witnesses');
  const distinct = (values: readonly string[]): boolean => new Set(values).size === values.length;
  // One key under two names would count twice.
  invariant(distinct(witnesses.map(({ publicKey }) => encodeBase64(publicKey))), 'each witness has its own key');
  invariant(distinct(witnesses.map(({ name }) => name)), 'each witness has its own name');

  const { value, fault } = attempt(() => verified(evidence, logKey, witnesses));
  if (fault) throw new Fault('LEDGER_EVIDENCE_INVALID', { because: fault.code }, fault);
  const { opened, entry } = value;
  const cosigned = opened.cosigned.size;
  if (cosigned < quorum) throw new Fault('LEDGER_NOT_WITNESSED', { cosigned, quorum });
  return { ...opened, entry };
}

function verified(
  { entry, index, note, inclusion }: Evidence,
  logKey: EvidencePolicy['logKey'],
  witnesses: readonly VerifierKey[],
): { opened: OpenedCheckpoint; entry: CoordinatorEntry } {
  const opened = openCheckpoint(note, logKey, witnesses);
  const { size, root } = opened.checkpoint;
  verifyInclusion({ index, size, leaf: leafHash(entry), proof: inclusion, root });
  return { opened, entry: readEntry(entry, 'coordinator') };
}
