import {
  COSIGNATURE,
  LOG_SIGNATURE,
  MemoryStorage,
  sealEntry,
  shardYear,
  TileLog,
  verifierKey,
  Witness,
  type CoordinatorEvent,
  type EventFor,
  type LogKind,
  type Signer,
} from '@consilium/ledger';
import { toHex, type Digest } from '@consilium/stdx';
import { createHash, randomBytes } from 'node:crypto';

/** A clock that moves by a second whenever it is asked. */
export class TickingClock {
  constructor(private ms: number) {}
  now = (): number => (this.ms += 1000);
}

/** One party's log as its program keeps it: events become entries at once, and a checkpoint when it is asked for. */
export class LogWriter<Kind extends LogKind> {
  readonly storage = new MemoryStorage();
  #log!: TileLog;
  #pending: Uint8Array[] = [];
  #witnesses = new Map<string, Witness>();

  private constructor(
    readonly kind: Kind,
    readonly origin: string,
    readonly signer: Signer,
    private readonly clock: TickingClock,
    private readonly salt: () => string,
  ) {}

  static async open<Kind extends LogKind>(
    kind: Kind,
    origin: string,
    signer: Signer,
    clock: TickingClock,
    salt = () => randomBytes(16).toString('hex'),
    opening: Partial<Extract<CoordinatorEvent, { type: 'shard.opened' }>> = {},
  ): Promise<LogWriter<Kind>> {
    const writer = new LogWriter(kind, origin, signer, clock, salt);
    const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
    writer.#log = await TileLog.open({ origin, signer, storage: writer.storage, hash });
    const first = {
      type: 'shard.opened',
      year: shardYear(origin),
      predecessor: null,
      reason: 'first',
      lost: 0,
    } as const;
    writer.record({ ...first, ...opening } as EventFor<Kind>);
    return writer;
  }

  get size(): number {
    return this.#log.size;
  }
  get note(): string {
    return this.#log.note!;
  }
  /** Entries so far, those that no checkpoint covers yet among them. */
  get length(): number {
    return this.#log.size + this.#pending.length;
  }

  /** What a dishonest program writes instead of what happened; `undefined` for nothing at all. */
  change: (event: EventFor<Kind>) => EventFor<Kind> | undefined = (event) => event;

  record(honest: EventFor<Kind>, at = this.clock.now()): void {
    const event = this.change(honest);
    if (!event) return;
    this.#pending.push(sealEntry(event, { kind: this.kind, at, salt: this.salt() }));
  }

  rootAt = (size: number): Digest => toHex(this.#log.rootAt(size)) as Digest;

  async checkpoint(): Promise<{ size: number; root: Digest }> {
    await this.#log.integrate(this.#pending.splice(0));
    return { size: this.#log.size, root: this.rootAt(this.#log.size) };
  }

  /** Has a witness cosign the newest checkpoint; `persist` is what the witness writes down first. */
  async haveCosigned(
    name: string,
    signer: Signer,
    persist: (seen: { size: number; root: Digest }) => Promise<void>,
  ): Promise<void> {
    const witness = this.#witnesses.get(name) ?? this.#newWitness(name, signer, persist);
    const oldSize = witness.last?.size ?? 0;
    const request = { note: this.note, oldSize, proof: this.#log.consistencyProof(oldSize) };
    const answer = await witness.consider(request, Math.floor(this.clock.now() / 1000));
    if ('refused' in answer) throw new Error(answer.refused);
    await this.#log.addCosignatures([answer.cosignature], [verifierKey(name, COSIGNATURE, signer.publicKey)]);
  }

  #newWitness(name: string, signer: Signer, persist: (seen: { size: number; root: Digest }) => Promise<void>): Witness {
    const witness = new Witness({
      logKey: verifierKey(this.origin, LOG_SIGNATURE, this.signer.publicKey),
      signer,
      name,
      last: null,
      persist: ({ size, root }) => persist({ size, root: toHex(root) as Digest }),
    });
    this.#witnesses.set(name, witness);
    return witness;
  }
}
