import { decodePublicKey } from '@consilium/identity';
import {
  coordinatorCosigner,
  COSIGNATURE,
  LOG_SIGNATURE,
  noteText,
  openCheckpoint,
  parseCheckpointNote,
  verifierKey,
  type Checkpoint,
  type VerifierKey,
} from '@consilium/ledger';
import { Fault, type Clock } from '@consilium/stdx';
import type { Guard } from './guard.js';
import { isFatal, ownState, StateFault } from './fatal.js';
import type { SigningTerm } from './ledger/key-terms.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Log } from './log.js';
import type { WitnessAnswer } from './offers.js';
import type { Rosters } from './rosters.js';

/** The site's log as far as its checkpoints go; the archive's `DurableLog` is one. */
export interface SignedLog {
  /** The log's name without the shard. */
  readonly origin: string;
  /** The newest signed checkpoint with all cosignatures known; undefined before the first. */
  readonly note: string | undefined;
  /** Integrates every entry and signs. */
  checkpoint(): Promise<string>;
  /** LEDGER_ROLLED_BACK when the log is shorter than this checkpoint of it, LEDGER_FORKED when it differs. */
  requireExtends(seen: Checkpoint): Promise<void>;
  /** From that size of the shard to its newest checkpoint. */
  consistencyProof(origin: string, oldSize: number): readonly Uint8Array[];
  addCosignatures(lines: readonly string[], witnesses: readonly VerifierKey[]): Promise<readonly string[]>;
}

export interface OwnLogPorts {
  readonly federation: string;
  readonly log: SignedLog;
  /** The site's own key, then those that it signed with before, each for its stretch of the log. */
  readonly signing: readonly SigningTerm[];
  readonly ledger: Pick<SiteLedger, 'write'>;
  readonly rosters: Pick<Rosters, 'current'>;
  readonly guard: Pick<Guard, 'send'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly diary: Log;
}

const SOON_MS = 250;
const OLD_COPY =
  'this state is an old copy of itself, and does nothing: put the newest copy back; if there is none, run consilium agent log restore --witnessed SIZE';

/**
 * The site's own log, shown to the coordinator: each checkpoint becomes an entry over there, so that hub and site
 * together cannot rewrite it either, and comes back cosigned. Nothing is signed before the coordinator has said how
 * much of this log it has seen: an agent that was started from an old copy of its state would sign a second past.
 */
export class OwnLog {
  /** The largest size that the coordinator has confirmed, in the shard of that name; undefined until it said so. */
  #confirmed: { readonly origin: string; readonly size: number } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #cancelSoon: (() => void) | undefined;

  constructor(private readonly ports: OwnLogPorts) {}

  /**
   * The newest checkpoint of this log that the present key has signed; undefined before its first. The coordinator knows
   * a site by its present key, and would take a former one's signature for somebody else's.
   */
  get note(): string | undefined {
    const { log, signing } = this.ports;
    if (!log.note) return undefined;
    const { origin } = parseCheckpointNote(log.note).checkpoint;
    try {
      openCheckpoint(log.note, [verifierKey(origin, LOG_SIGNATURE, signing[0]!.key)], []);
      return log.note;
    } catch (error) {
      if (Fault.is(error)) return undefined;
      throw error;
    }
  }

  /** What the coordinator holds of this log. Throws LEDGER_ROLLED_BACK, which stops the agent, when it is more than there is. */
  async welcomed(siteCheckpoint: Uint8Array): Promise<void> {
    const { log, ledger, diary } = this.ports;
    this.#confirmed = undefined;
    const seen = siteCheckpoint.byteLength > 0 ? this.#open(noteText(siteCheckpoint)) : null;
    if (seen) {
      try {
        await log.requireExtends(seen);
      } catch (error) {
        if (!Fault.is(error) || (error.code !== 'LEDGER_ROLLED_BACK' && error.code !== 'LEDGER_FORKED')) throw error;
        // A row that is not signed: what this copy may say is said to its own operator.
        await ledger.write({ type: 'alert', kind: 'rollback' });
        diary.error({ witnessed: seen.size, ...error.facts }, OLD_COPY);
        throw new StateFault('LEDGER_ROLLED_BACK', { witnessed: seen.size, ...error.facts }, error);
      }
    }
    this.#confirmed = seen ?? { origin: '', size: 0 };
  }

  /** Signs all that is written so far and shows it to the coordinator. What cannot be shown now is shown with the next. */
  publish(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#confirmed) return;
      try {
        await this.#show(await ownState(this.ports.log.checkpoint()));
      } catch (error) {
        if (isFatal(error)) throw error;
        this.ports.diary.warn({ err: error }, 'the log’s checkpoint waits for the next occasion');
      }
    });
  }

  /**
   * The same in a moment: signing takes the disk for some milliseconds, which the next round may need for its own
   * entries. `fail` hears of what must stop the agent.
   */
  publishSoon(fail: (error: unknown) => void): void {
    this.#cancelSoon ??= this.ports.clock.after(SOON_MS, () => {
      this.#cancelSoon = undefined;
      this.publish().catch(fail);
    });
  }

  /** Drops what was to be shown in a moment; the next session shows it. */
  close(): void {
    this.#cancelSoon?.();
    this.#cancelSoon = undefined;
  }

  /** The coordinator's cosignature under this log's checkpoint, or the size from which it wants to be shown it. */
  answered({ size, cosignature, knownSize }: WitnessAnswer): Promise<void> {
    return this.#inTurn(async () => {
      const { log, diary, federation, rosters } = this.ports;
      if (!this.#confirmed || !log.note) return;
      const { origin } = parseCheckpointNote(log.note).checkpoint;
      if (cosignature === null) {
        diary.warn({ size, knownSize }, 'the coordinator did not cosign this log');
        // It may know more or less than it was shown from; the next checkpoint starts there.
        this.#confirmed = { origin, size: knownSize };
        return;
      }
      const coordinator = decodePublicKey(rosters.current.coordinator.signing);
      const witness = verifierKey(coordinatorCosigner(federation), COSIGNATURE, coordinator);
      const added = await ownState(log.addCosignatures([cosignature], [witness]));
      if (size > this.#sizeIn(origin)) this.#confirmed = { origin, size };
      if (added.length === 0) diary.debug({ size }, 'a cosignature of an older checkpoint');
    });
  }

  async #show(note: string): Promise<void> {
    const { log, guard } = this.ports;
    const { origin, size } = parseCheckpointNote(note).checkpoint;
    const oldSize = Math.min(this.#sizeIn(origin), size);
    const consistency = [...log.consistencyProof(origin, oldSize)];
    await guard.send({ kind: 'site-checkpoint', note, oldSize, consistency });
  }

  #sizeIn(origin: string): number {
    return this.#confirmed?.origin === origin ? this.#confirmed.size : 0;
  }

  /** A checkpoint that this site has signed itself; anything else that is sent as one is refused. */
  #open(note: string): Checkpoint {
    const { checkpoint } = parseCheckpointNote(note);
    const { origin } = checkpoint;
    if (!origin.startsWith(`${this.ports.log.origin}/`))
      throw new Fault('LEDGER_SIGNATURE_INVALID', { what: 'another log' });
    const mine = this.ports.signing.filter((term) => term.maySign(checkpoint));
    const keys = mine.map(({ key }) => verifierKey(origin, LOG_SIGNATURE, key));
    return openCheckpoint(note, keys, []).checkpoint;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {}); // each caller learns of its own failure
    return result;
  }
}
