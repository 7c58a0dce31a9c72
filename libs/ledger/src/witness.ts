import { Fault, type Code } from '@consilium/stdx';
import { attempt } from './attempt.js';
import { openCheckpoint, type Checkpoint, type OpenedCheckpoint } from './checkpoint.js';
import { cosign } from './cosignature.js';
import { emptyRoot, plainHash, sameBytes, type Hash } from './hash.js';
import { verifyConsistency } from './proof.js';
import type { Signer, VerifierKey } from './verifier-key.js';

/** What a witness remembers of a log: the largest checkpoint that it has cosigned. */
export interface Seen {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface WitnessSettings {
  /** The watched log's key, or keys if it was rekeyed, under its origin as name. */
  readonly logKey: VerifierKey | readonly VerifierKey[];
  readonly signer: Signer;
  /** The key name under which this witness cosigns. */
  readonly name: string;
  /** The largest checkpoint cosigned before, null if none. */
  readonly last: Seen | null;
  /** Writes down what is about to be cosigned; durable when it resolves. */
  persist(next: Seen): Promise<void>;
  readonly hash?: Hash;
}

/** A request to cosign (C2SP tlog-witness, `add-checkpoint`). */
export interface WitnessRequest {
  readonly note: string;
  /** The size from which the proof leads here; must be the last one that this witness has cosigned. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
}

export type WitnessAnswer =
  | { readonly cosignature: string; readonly checkpoint: Checkpoint }
  /** `knownSize`: what the next proof must start from. */
  | { readonly refused: Code; readonly knownSize: number };

/**
 * A witness of one log (C2SP tlog-witness). It cosigns a checkpoint only if everything that it has cosigned before is a
 * prefix of it. Comparing, writing down and signing are one step: were two requests to run into each other, the larger
 * could be forgotten again and another past cosigned after it.
 */
export class Witness {
  readonly #settings: WitnessSettings;
  #last: Seen;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: WitnessSettings) {
    this.#settings = settings;
    this.#last = settings.last ?? { size: 0, root: emptyRoot() };
  }

  /** The largest checkpoint that this witness has cosigned, null before the first. */
  get last(): Seen | null {
    return this.#last.size === 0 ? null : this.#last;
  }

  /**
   * Cosigns or refuses. Rejects only when `persist` does; then nothing was signed and nothing is remembered.
   * Refusals: LEDGER_NOTE_INVALID, LEDGER_SIGNATURE_INVALID; LEDGER_ROLLED_BACK for a smaller log; LEDGER_FORKED for
   * another root at the known size; LEDGER_PROOF_INVALID for a proof that is wrong or does not start at `knownSize`.
   */
  consider(request: WitnessRequest, nowSeconds: number): Promise<WitnessAnswer> {
    const answer = this.#turn.then(() => this.#consider(request, nowSeconds));
    this.#turn = answer.catch(() => {}); // the caller learns of it; the next request is judged anew
    return answer;
  }

  async #consider(request: WitnessRequest, nowSeconds: number): Promise<WitnessAnswer> {
    const { signer, name, persist } = this.#settings;
    const { value, fault } = attempt(() => this.#judge(request));
    if (fault) return { refused: fault.code, knownSize: this.#last.size };
    const { checkpoint, text } = value;
    const { size, root } = checkpoint;
    if (size > this.#last.size) {
      await persist({ size, root });
      this.#last = { size, root };
    }
    return { cosignature: cosign(text, signer, name, nowSeconds), checkpoint };
  }

  #judge({ note, oldSize, proof }: WitnessRequest): OpenedCheckpoint {
    const { logKey, hash = plainHash } = this.#settings;
    const last = this.#last;
    const opened = openCheckpoint(note, logKey, []);
    const { size, root } = opened.checkpoint;
    if (size < last.size) throw new Fault('LEDGER_ROLLED_BACK', { size, witnessed: last.size });
    if (size === last.size && !sameBytes(root, last.root)) throw new Fault('LEDGER_FORKED', { size });
    if (oldSize !== last.size) throw new Fault('LEDGER_PROOF_INVALID', { oldSize, witnessed: last.size });
    verifyConsistency({ oldSize, size, oldRoot: last.root, root, proof }, hash);
    return opened;
  }
}
