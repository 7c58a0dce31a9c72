import {
  coordinatorOrigin,
  cosign,
  MerkleTree,
  mergeSignatures,
  parseCheckpointNote,
  readEntry,
  sealEntry,
  shardYear,
  signCheckpoint,
  siteCosigner,
  type CoordinatorEvent,
  type SiteEvent,
} from '@consilium/ledger';
import { toHex, utf8, type Digest, type SiteName } from '@consilium/stdx';
import { COORDINATOR, FEDERATION, keyOf, SITES } from './keys.fixture.js';
import type { Evidence, EvaluationOffer, RoundOffer, WitnessRequest } from './offers.js';

export const YEAR = 2023;

/** A coordinator's log as a tree in memory, with all keys at hand: it can be honest, and it can lie. */
export class HubLog {
  readonly entries: Uint8Array[] = [];
  #tree = new MerkleTree();

  constructor(
    readonly origin = coordinatorOrigin(FEDERATION, YEAR),
    private readonly key = COORDINATOR,
  ) {
    this.append({ type: 'shard.opened', year: shardYear(origin), predecessor: null, reason: 'first', lost: 0 });
  }

  get size(): number {
    return this.#tree.size;
  }

  /** A log that begins like this one and may go on otherwise. */
  fork(): HubLog {
    const other = new HubLog(this.origin, this.key);
    for (const entry of this.entries.slice(1)) other.#push(entry);
    return other;
  }

  append(event: CoordinatorEvent): number {
    const salt = String(this.size).padStart(32, '0');
    return this.#push(sealEntry(event, { kind: 'coordinator', at: 1, salt }));
  }

  #push(entry: Uint8Array): number {
    this.entries.push(entry);
    return this.#tree.append(entry);
  }

  /** The checkpoint of this size, cosigned by these sites. */
  note(cosigners: readonly string[] = [], size = this.size): string {
    const note = signCheckpoint({ origin: this.origin, size, root: this.#tree.root(size) }, this.key);
    const { text } = parseCheckpointNote(note);
    const lines = cosigners.map((name) => cosign(text, keyOf(name), siteCosigner(FEDERATION, name), 1_700_000_000));
    return lines.length > 0 ? mergeSignatures(note, lines) : note;
  }

  request(oldSize = 0, size = this.size): WitnessRequest {
    const consistency = oldSize === 0 ? [] : this.#tree.consistencyProof(oldSize, size);
    return { kind: 'witness-request', note: utf8(this.note([], size)), oldSize, consistency };
  }

  /** What a site's log says after it has cosigned this log. */
  cosigned(size = this.size): Extract<SiteEvent, { type: 'witness.cosigned' }> {
    const root = toHex(this.#tree.root(size)) as Digest;
    return { type: 'witness.cosigned', year: shardYear(this.origin), size, root };
  }

  evidence(index: number, cosigners: readonly string[] = SITES): Evidence {
    return {
      entry: this.entries[index]!,
      index,
      note: utf8(this.note(cosigners)),
      inclusion: this.#tree.inclusionProof(index, this.size),
    };
  }

  /** The same offer with its entry in this log and the evidence for it. */
  offered<Offer extends RoundOffer | EvaluationOffer>(offer: Offer, cosigners?: readonly string[]): Offer {
    const { run, planDigest: plan, modelDigest: model } = offer;
    const index = this.append(
      offer.kind === 'round'
        ? {
            type: 'round.offered',
            run,
            round: offer.round,
            attempt: offer.attempt,
            plan,
            model,
            participants: SITES as SiteName[],
          }
        : { type: 'evaluation.offered', run, plan, model },
    );
    return { ...offer, evidence: this.evidence(index, cosigners) };
  }
}

/** What the site's log says after it has cosigned the checkpoint that an offer rests on. */
export function watching({ evidence }: RoundOffer | EvaluationOffer): SiteEvent {
  const { origin, size, root } = parseCheckpointNote(Buffer.from(evidence.note).toString()).checkpoint;
  return { type: 'witness.cosigned', year: shardYear(origin), size, root: toHex(root) as Digest };
}

export const typeOf = (entry: Uint8Array): string => readEntry(entry, 'coordinator').type;
