import { decodePublicKey } from '@consilium/identity';
import {
  coordinatorCosigner,
  encodeEquivocation,
  findConflict,
  LOG_SIGNATURE,
  noteText,
  openCheckpoint,
  parseCheckpointNote,
  shardYear,
  siteCosigner,
  verifierKey,
  Witness,
  type Checkpoint,
  type CoordinatorEvent,
  type Seen,
  type Signer,
  type VerifierKey,
} from '@consilium/ledger';
import { Fault, toHex, utf8, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { LogCheckpoint, WitnessAnswerInit } from '@consilium/wire';
import type { Log } from '../log.js';
import type { SiteLogs } from '../ports.js';
import type { SiteLogRecord } from '../records.js';
import { SerialQueue } from '../runs/queue.js';
import type { Ledger } from './ledger.js';
import { shardAt, shardOf, yearOfShard } from './shard-id.js';

export interface SiteCheckpointParts {
  readonly federation: string;
  readonly signer: Signer;
  readonly siteLogs: SiteLogs;
  readonly ledger: Ledger;
  /** The site's key (base64) in the roster in force. */
  readonly keyOf: (site: SiteName) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What we watch of one shard of a site's log, under one key of it. */
interface Watched {
  readonly key: string;
  readonly witness: Witness;
  readonly queue: SerialQueue;
  /** The note that is being considered: it is stored as it came. */
  note: string;
}

/** A site's note has its own signature and perhaps a few cosignatures. */
const NOTE_BYTES_MAX = 16 * 1024;

/**
 * The coordinator as the witness of the sites' logs. Each checkpoint that a site shows becomes an entry of our own log,
 * which other sites cosign: so neither the site alone nor both of us together can rewrite what it says it did.
 */
export class SiteCheckpoints {
  readonly #watched = new Map<string, Promise<Watched>>();
  readonly #alerted = new Set<string>();

  constructor(private readonly parts: SiteCheckpointParts) {}

  /** The largest checkpoint that we hold of the site's newest shard, as a signed note. */
  async latest(site: SiteName): Promise<SiteLogRecord | undefined> {
    const all = await this.parts.siteLogs.of(site);
    return [...all].sort((a, b) => (shardOf(a.shard) ?? 0) - (shardOf(b.shard) ?? 0)).at(-1);
  }

  /** Cosigns the site's checkpoint if everything that we hold of this log is a prefix of it, and stores it first. */
  async consider(site: SiteName, { note: bytes, oldSize, consistency }: LogCheckpoint): Promise<WitnessAnswerInit> {
    const note = this.#text(bytes);
    const { checkpoint, shard } = this.#read(site, note);
    const watched = await this.#watch(site, shard, checkpoint.origin);
    const answer = await watched.queue.run(() => {
      watched.note = note;
      const seconds = Math.floor(this.parts.clock.now() / 1000);
      return watched.witness.consider({ note, oldSize, proof: consistency }, seconds);
    });
    const { size } = checkpoint;
    if ('cosignature' in answer) return { size, cosignature: Buffer.from(utf8(answer.cosignature)), knownSize: size };
    if (answer.refused === 'LEDGER_FORKED') await this.#forked(site, shard, note);
    const fits = oldSize === answer.knownSize && size > oldSize;
    if (answer.refused === 'LEDGER_PROOF_INVALID' && fits) await this.#alert(site, 'integrity', note);
    return { size, knownSize: answer.knownSize, code: answer.refused };
  }

  /** What a site's Hello says about its own log: less than we hold is an old copy, another root is another history. */
  async greeted(site: SiteName, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return;
    const note = this.#text(bytes);
    const { checkpoint, shard, logKey } = this.#read(site, note);
    openCheckpoint(note, logKey, []);
    const held = (await this.parts.siteLogs.of(site)).find((log) => log.shard === shard);
    if (!held) return;
    if (checkpoint.size < held.size) await this.#alert(site, 'rollback', note);
    if (checkpoint.size === held.size && toHex(checkpoint.root) !== held.root) await this.#forked(site, shard, note);
  }

  #text(bytes: Uint8Array): string {
    if (bytes.byteLength > NOTE_BYTES_MAX) throw new Fault('LEDGER_NOTE_INVALID', { bytes: bytes.byteLength });
    return noteText(bytes);
  }

  /** Which shard of which log it is: always of the site that the connection belongs to. */
  #read(site: SiteName, note: string): { checkpoint: Checkpoint; shard: string; logKey: VerifierKey } {
    const { checkpoint } = parseCheckpointNote(note);
    const prefix = `${siteCosigner(this.parts.federation, site)}/`;
    const shard = checkpoint.origin.startsWith(prefix) ? checkpoint.origin.slice(prefix.length) : '';
    const id = shardOf(shard);
    // A year that is not there yet opens no shards, or a site could fill the table with them.
    const lastYear = yearOfShard(shardAt(this.parts.clock.now())) + 1;
    if (id === undefined || yearOfShard(id) > lastYear) throw new Fault('LEDGER_SIGNATURE_INVALID', { site });
    const logKey = verifierKey(checkpoint.origin, LOG_SIGNATURE, decodePublicKey(this.#keyOf(site)));
    return { checkpoint, shard, logKey };
  }

  async #watch(site: SiteName, shard: string, origin: string): Promise<Watched> {
    const key = this.#keyOf(site);
    const known = await this.#watched.get(origin);
    if (known?.key === key) return known;
    const opening = this.#open(site, shard, origin, key);
    this.#watched.set(origin, opening);
    opening.catch(() => this.#watched.delete(origin));
    return opening;
  }

  async #open(site: SiteName, shard: string, origin: string, key: string): Promise<Watched> {
    const { signer, federation, siteLogs, ledger } = this.parts;
    const held = (await siteLogs.of(site)).find((log) => log.shard === shard);
    let isNew = !held;
    const persist = async ({ size, root }: Seen): Promise<void> => {
      const record = { site, shard, size, root: toHex(root) as Digest, note: watched.note };
      const year = shardYear(origin);
      const events: CoordinatorEvent[] = [{ type: 'site.checkpoint', site, year, size, root: record.root }];
      // A shard that is not the first of its year follows a restore: what was lost there is for an auditor to ask.
      if (isNew && shard.includes('-')) events.push({ type: 'alert', kind: 'rollback', site });
      await siteLogs.save(record, ledger.seal(events));
      ledger.stored();
      isNew = false;
    };
    const witness = new Witness({
      logKey: verifierKey(origin, LOG_SIGNATURE, decodePublicKey(key)),
      signer,
      name: coordinatorCosigner(federation),
      last: held ? { size: held.size, root: Buffer.from(held.root, 'hex') } : null,
      persist,
    });
    const watched: Watched = { key, witness, queue: new SerialQueue(), note: '' };
    return watched;
  }

  /** Two checkpoints that the site has signed and that cannot both be true: the evidence is kept as a document. */
  async #forked(site: SiteName, shard: string, note: string): Promise<void> {
    const { siteLogs, ledger, log } = this.parts;
    const held = (await siteLogs.of(site)).find((known) => known.shard === shard);
    const conflict = held && findConflict({ note: held.note }, { note }, this.#read(site, note).logKey);
    const evidence = conflict && (await ledger.document(utf8(encodeEquivocation(conflict))));
    log.error({ site, evidence }, 'the log of a site has two histories');
    await this.#alert(site, 'equivocation', note);
  }

  /** Once for each checkpoint in the life of the program, so that a site cannot fill our log with its own. */
  async #alert(site: SiteName, kind: 'equivocation' | 'rollback' | 'integrity', note: string): Promise<void> {
    const told = `${site} ${kind} ${note}`;
    if (this.#alerted.has(told) || this.#alerted.size >= ALERTS_MAX) return;
    this.#alerted.add(told);
    await this.parts.ledger.record({ type: 'alert', kind, site });
  }

  #keyOf(site: SiteName): string {
    const key = this.parts.keyOf(site);
    if (key === undefined) throw new Fault('SITE_NOT_ENROLLED', { site });
    return key;
  }
}

const ALERTS_MAX = 1000;
