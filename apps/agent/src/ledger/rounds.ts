import type { SiteEvent } from '@consilium/ledger';
import { Fault, type Digest, type RunId } from '@consilium/stdx';

/** An update that this site has signed: from then on it is the only value that this round gets of it. */
export interface SignedUpdate {
  readonly sha256: Digest;
  readonly bytes: number;
  /** The statement of the newest attempt, as a document. */
  readonly statement: Digest;
  readonly attempt: number;
}

interface RoundRecord {
  /** The one model that this site answers for; null while it accepted none. */
  readonly model: Digest | null;
  readonly signed: SignedUpdate | null;
  /** Its outcome was published: nothing more is said in it. */
  readonly published: boolean;
}

const FRESH: RoundRecord = { model: null, signed: null, published: false };

/** Stands where a round's number would, for the one evaluation at the end of a run. */
const EVALUATION = 0;

/**
 * One value for each round: the model that the site accepted first, and the update that it signed, remembered from the
 * log, so that neither a restart nor another attempt gets a second one out of it. A coordinator that could ask for the
 * same round with two models would learn from the difference (Pasquini et al. 2021, “Eluding Secure Aggregation”).
 */
export class Rounds {
  /** Run → round → what is known. A run that ended is forgotten: nothing more is done for it. */
  readonly #runs = new Map<RunId, Map<number, RoundRecord>>();

  /**
   * Throws ROUND_MODEL_CONFLICT when another model was accepted for this round (null: for the run's evaluation), and
   * ROUND_TRANSITION_REFUSED when the round's outcome is published already.
   */
  requireOpen(run: RunId, round: number | null, model: Digest): void {
    const known = this.#find(run, round ?? EVALUATION);
    if (known.model !== null && known.model !== model) {
      throw new Fault('ROUND_MODEL_CONFLICT', { run, round: round ?? EVALUATION });
    }
    if (known.published) throw new Fault('ROUND_TRANSITION_REFUSED', { run, round: round ?? EVALUATION });
  }

  /** What was signed for this round, whatever the attempt. */
  signed(run: RunId, round: number): SignedUpdate | null {
    return this.#find(run, round).signed;
  }

  /** SHA-256 of every update that may have to be sent again: what the outbox still needs. */
  outstanding(): ReadonlySet<Digest> {
    const all = [...this.#runs.values()].flatMap((rounds) => [...rounds.values()]);
    return new Set(all.flatMap(({ signed, published }) => (signed && !published ? [signed.sha256] : [])));
  }

  follow(event: SiteEvent): void {
    switch (event.type) {
      case 'evidence.accepted': {
        const { run, round = EVALUATION, model } = event;
        return this.#change(run, round, (known) => (known.model ? known : { ...known, model }));
      }
      case 'update.signed': {
        const { run, round, attempt, model, sha256, bytes, statement } = event;
        return this.#change(run, round, (known) => ({
          ...known,
          model,
          signed: { sha256, bytes, statement, attempt },
        }));
      }
      case 'round.closed': {
        const { run, round, outcome } = event;
        if (outcome === 'published') this.#change(run, round, (known) => ({ ...known, published: true }));
        return;
      }
      case 'run.ended':
        this.#runs.delete(event.run);
        return;
      default: // the other entries say nothing of rounds
    }
  }

  #find(run: RunId, round: number): RoundRecord {
    return this.#runs.get(run)?.get(round) ?? FRESH;
  }

  #change(run: RunId, round: number, change: (known: RoundRecord) => RoundRecord): void {
    const rounds = this.#runs.get(run) ?? new Map<number, RoundRecord>();
    this.#runs.set(run, rounds.set(round, change(this.#find(run, round))));
  }
}
