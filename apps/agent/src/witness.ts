import { decodePublicKey, type SigningKey } from '@consilium/identity';
import {
  LOG_SIGNATURE,
  noteText,
  openCheckpoint,
  parseCheckpointNote,
  shardYear,
  siteCosigner,
  verifierKey,
  Witness,
  type LogStorage,
  type VerifierKey,
} from '@consilium/ledger';
import { Fault, fromUtf8, toHex, utf8, type Clock, type Code, type Digest, type SiteName } from '@consilium/stdx';
import { isCoordinatorLog } from './evidence.js';
import { ownState, StateFault } from './fatal.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Cosigned } from './ledger/watched.js';
import type { WitnessRequest } from './offers.js';
import type { OutgoingOf } from './outgoing.js';
import type { Rosters } from './rosters.js';

export interface WitnessPorts {
  readonly site: SiteName;
  readonly federation: string;
  readonly key: SigningKey;
  readonly ledger: Pick<SiteLedger, 'write' | 'watched' | 'documents'>;
  readonly rosters: Pick<Rosters, 'current'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Where the newest cosigned checkpoint is kept as the note that the coordinator signed: evidence, not state. */
  readonly notes: Pick<LogStorage, 'read' | 'write'>;
}

type Answer = OutgoingOf<'witness-answer'>;

/** A shard of the coming year may be shown a little before this machine's clock says that the year has begun. */
const CLOCK_LEEWAY_MS = 86_400_000;
const NOTE = 'coordinator-checkpoint';

/** What shows that the coordinator's log has another past than the one that this site has cosigned. */
const BROKEN_TRUST: readonly Code[] = ['LEDGER_ROLLED_BACK', 'LEDGER_FORKED', 'LEDGER_PROOF_INVALID'];

/**
 * This site as a witness of the coordinator's log: it cosigns a checkpoint only if everything that it has cosigned
 * before is a prefix of it, and what it cosigns stands in its own log first. Once it was shown another past, it keeps
 * the note that proves it, and the site works for this coordinator no more until its operator says so.
 */
export class CoordinatorWitness {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: WitnessPorts) {}

  /** Cosigns or refuses; never throws for what the coordinator sent. One request after the other. */
  consider(request: WitnessRequest): Promise<Answer> {
    const answer = this.#turn.then(() => this.#consider(request));
    this.#turn = answer.catch(() => {}); // the caller learns of it; the next request is judged anew
    return answer;
  }

  /** The largest checkpoint cosigned, as the coordinator signed it; null before the first, or if it is no longer kept. */
  async newest(): Promise<string | null> {
    const { ledger, notes } = this.ports;
    const bytes = await notes.read(NOTE);
    if (!bytes || !ledger.watched.last) return null;
    const note = fromUtf8(bytes);
    const { origin, size, root } = parseCheckpointNote(note).checkpoint;
    const kept = { year: shardYear(origin), size, root: toHex(root) as Digest };
    return ledger.watched.hasCosigned(kept) ? note : null;
  }

  async #consider({ note: bytes, oldSize, consistency }: WitnessRequest): Promise<Answer> {
    const { ledger, clock } = this.ports;
    const { refused, last } = ledger.watched;
    let knownSize = last?.size ?? 0;
    try {
      if (refused) throw new Fault(refused);
      const note = noteText(bytes);
      const shown = this.#read(note);
      const { size, year } = shown;
      if (last && year < last.year) {
        openCheckpoint(note, this.#keyOf(shown.origin), []);
        return await this.#refuse('LEDGER_ROLLED_BACK', { size, knownSize }, bytes);
      }
      const before = last?.year === year ? last : null;
      knownSize = before?.size ?? 0;
      // An older checkpoint once more, or a proof that starts elsewhere than at the last size, contradicts nothing.
      const again = ledger.watched.hasCosigned(shown) && size < knownSize;
      if (again) return answerOf({ size, knownSize, code: 'LEDGER_PROOF_INVALID' });
      const witness = this.#witnessOf(shown, before, note);
      const answer = await witness.consider({ note, oldSize, proof: consistency }, Math.floor(clock.now() / 1000));
      if ('cosignature' in answer) return answerOf({ size, knownSize: size, cosignature: answer.cosignature });
      const code = answer.refused;
      const contradicts = code !== 'LEDGER_PROOF_INVALID' || oldSize === knownSize;
      if (BROKEN_TRUST.includes(code) && contradicts) return await this.#refuse(code, { size, knownSize }, bytes);
      return answerOf({ size, knownSize, code });
    } catch (error) {
      if (!Fault.is(error) || error instanceof StateFault || error.code === 'DISK_FULL') throw error;
      return answerOf({ size: 0, knownSize, code: error.code });
    }
  }

  /** A checkpoint of one of the coordinator's shards, and not of one that is yet to come; its signature is verified later. */
  #read(note: string): Cosigned & { readonly origin: string } {
    const { federation, clock } = this.ports;
    const { origin, size, root } = parseCheckpointNote(note).checkpoint;
    if (!isCoordinatorLog(origin, federation)) throw new Fault('LEDGER_SIGNATURE_INVALID', { what: 'another log' });
    const year = shardYear(origin);
    const latest = new Date(clock.now() + CLOCK_LEEWAY_MS).getUTCFullYear();
    if (year > latest) throw new Fault('CLOCK_SKEWED', { year, latest });
    return { origin, year, size, root: toHex(root) as Digest };
  }

  #keyOf(origin: string): VerifierKey {
    return verifierKey(origin, LOG_SIGNATURE, decodePublicKey(this.ports.rosters.current.coordinator.signing));
  }

  #witnessOf({ origin, year }: { origin: string; year: number }, last: Cosigned | null, note: string): Witness {
    const { site, federation, key, ledger, notes } = this.ports;
    return new Witness({
      logKey: this.#keyOf(origin),
      signer: key,
      name: siteCosigner(federation, site),
      last: last && { size: last.size, root: fromHex(last.root) },
      persist: async ({ size, root }) => {
        await ledger.write({ type: 'witness.cosigned', year, size, root: toHex(root) as Digest });
        await ownState(notes.write(NOTE, utf8(note)));
      },
    });
  }

  /** From here on nothing more is done for this coordinator; the note is kept, since it is signed and says so. */
  async #refuse(code: Code, sizes: Pick<Answer, 'size' | 'knownSize'>, note: Uint8Array): Promise<Answer> {
    const { ledger } = this.ports;
    await ledger.documents.put(note);
    await ledger.write({ type: 'witness.refused', code, size: sizes.size });
    await ledger.write({ type: 'alert', kind: code === 'LEDGER_ROLLED_BACK' ? 'rollback' : 'equivocation' });
    return answerOf({ ...sizes, code });
  }
}

const answerOf = (answer: Partial<Answer> & Pick<Answer, 'size' | 'knownSize'>): Answer => ({
  kind: 'witness-answer',
  cosignature: null,
  code: null,
  ...answer,
});

const fromHex = (hex: Digest): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
