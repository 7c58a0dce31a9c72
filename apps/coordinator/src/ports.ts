import type { Weighting } from '@consilium/aggregation';
import type { Graph } from '@consilium/model';
import type { Digest, RunId, SiteName, StudyName } from '@consilium/stdx';
import type { Manifest } from '@consilium/weights';
import type {
  EvaluationRecord,
  ModelVersionRecord,
  PlanRecord,
  RoundRecord,
  RunRecord,
  SiteLogRecord,
  SiteRecord,
  StudyRecord,
  UpdateRecord,
} from './records.js';

/**
 * What the coordinator needs from the world. Each port has a memory twin and a real adapter, and one contract suite
 * (`adapters/*-contract.fixture.ts`) that both must pass. Time is the Clock of `@consilium/stdx`.
 */

/** Which sites have been here. */
export interface SiteStore {
  /** Remembers the latest session of a site. */
  seen(site: SiteRecord): Promise<void>;
  /** In the order of their names. */
  list(): Promise<readonly SiteRecord[]>;
}

/** Studies and their plans; both are written once, but for the signatures that a plan gathers. */
export interface StudyStore {
  /**
   * Answers what is stored: the study itself, with what the ledger says about it, or the equal one that was there.
   * ALREADY_EXISTS if it says something else.
   */
  create(study: StudyRecord, events?: readonly LedgerRow[]): Promise<StudyRecord>;
  find(name: StudyName): Promise<StudyRecord | undefined>;
  /** Newest first. */
  list(): Promise<readonly StudyRecord[]>;
  /** Answers what is stored; the digest binds the content, so an equal digest is the same plan, and adds no event. */
  createPlan(plan: PlanRecord, events?: readonly LedgerRow[]): Promise<PlanRecord>;
  /** Replaces the plan's envelope, unless it is not `before` any more: then nothing changes and false is answered. */
  signPlan(plan: PlanRecord, before: string | null, events: readonly LedgerRow[]): Promise<boolean>;
  findPlan(digest: Digest): Promise<PlanRecord | undefined>;
  /** Newest first. */
  plans(study: StudyName): Promise<readonly PlanRecord[]>;
}

/** Everything that changes together when a run goes one step on. `run` carries the next revision. */
export interface RunCommit {
  readonly run: RunRecord;
  /** What the ledger says about this step. */
  readonly events?: readonly LedgerRow[];
  readonly rounds?: readonly RoundRecord[];
  readonly update?: UpdateRecord;
  readonly evaluation?: EvaluationRecord;
  readonly version?: ModelVersionRecord;
}

export interface RunQuery {
  readonly phases?: readonly RunRecord['state']['phase'][];
  readonly study?: StudyName;
  /** At most so many, newest first. */
  readonly limit: number;
}

/** Runs and all that belongs to one. */
export interface RunStore {
  /** The run and what the ledger says about its beginning, together. */
  create(run: RunRecord, events?: readonly LedgerRow[]): Promise<void>;
  /**
   * All of it or nothing, durable when it answers. STATE_LOCKED if the stored revision is not the one before: another
   * coordinator writes to the same database.
   */
  commit(change: RunCommit): Promise<void>;
  find(run: RunId): Promise<RunRecord | undefined>;
  list(query: RunQuery): Promise<readonly RunRecord[]>;
  /** By number, then attempt. */
  rounds(run: RunId): Promise<readonly RoundRecord[]>;
  /** By number, attempt, then site. */
  updates(run: RunId): Promise<readonly UpdateRecord[]>;
  findUpdate(run: RunId, number: number, attempt: number, site: SiteName): Promise<UpdateRecord | undefined>;
  /** By site. */
  evaluations(run: RunId): Promise<readonly EvaluationRecord[]>;
}

/** An event, sealed: the text whose UTF-8 bytes are hashed as a leaf. */
export interface LedgerRow {
  readonly entry: string;
  /** The name by which evidence for it is looked up; no two rows have the same. Null for what nobody has to prove. */
  readonly subject: string | null;
}

/** Where in the ledger an entry stands: its shard (`ledger/shard-id.ts`), and its leaf in that shard's tree, from 0. */
export interface LedgerPlace {
  readonly shard: number;
  readonly leaf: number;
}

/**
 * The ledger as rows: first durable, then numbered, and only then hashed into tiles. A number is given once and for
 * ever, so that tiles which were lost are made again from the rows, to the same bytes. {@link RunStore.commit} and
 * {@link SiteLogs.save} add rows too.
 */
export interface LedgerRows {
  /** All of them or none, durable when it answers. */
  append(rows: readonly LedgerRow[]): Promise<void>;
  /** Begins a shard with its first entry, at leaf 0. Rows without a place come behind it. */
  open(shard: number, first: LedgerRow): Promise<void>;
  /** Gives every row that has no place the next ones of the newest shard, in the order in which they were stored. */
  number(): Promise<void>;
  /** The shards and how many rows each has, oldest first. */
  shards(): Promise<readonly { readonly shard: number; readonly size: number }[]>;
  /** The entries at leaves `from` (inclusive) to `to` (exclusive) of a shard. */
  read(shard: number, from: number, to: number): Promise<readonly string[]>;
  /** Undefined when no row has this subject; without a place as long as it was not numbered. */
  find(subject: string): Promise<{ readonly entry: string; readonly place: LedgerPlace | null } | undefined>;
}

/** The largest checkpoints of sites' own logs: what each of them can never again deny. */
export interface SiteLogs {
  /** Of every shard of the site's log that was ever seen. */
  of(site: SiteName): Promise<readonly SiteLogRecord[]>;
  /** With the ledger's entry about it, in one transaction. */
  save(checkpoint: SiteLogRecord, events: readonly LedgerRow[]): Promise<void>;
}

/** Published models; they are written by {@link RunStore.commit}. */
export interface Registry {
  /** Newest first. */
  list(): Promise<readonly ModelVersionRecord[]>;
  /** The newest version of this digest: two runs of one plan and seed publish the same bytes. */
  find(digest: Digest): Promise<ModelVersionRecord | undefined>;
}

/** Where one site's bytes for one attempt of one round go. The digest is the announced one, not yet proved. */
export interface SpoolSlot {
  readonly run: RunId;
  readonly round: number;
  readonly attempt: number;
  readonly site: SiteName;
  readonly sha256: Digest;
}

/** Uploads before and while they count. A slot has one writer at a time; who asks sees to that. */
export interface Spool {
  /** Bytes that lie in the slot without a gap, from 0 on. */
  received(slot: SpoolSlot): Promise<number>;
  /**
   * Appends from `offset` (at most what was received; what lies beyond is cut off) and answers the length and SHA-256
   * of the whole once the chunks end; durable then. Other digests' bytes of the same site are dropped. When the chunks
   * fail, what came stays for a resumption; on a full disk the slot is dropped and DISK_FULL thrown.
   */
  receive(
    slot: SpoolSlot,
    offset: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly length: number; readonly sha256: Digest }>;
  /** Marks the slot as whole; idempotent. */
  keep(slot: SpoolSlot): Promise<void>;
  read(slot: SpoolSlot): Promise<Uint8Array>;
  drop(slot: SpoolSlot): Promise<void>;
  /** Drops all slots of the run except those of one attempt, if one is given. */
  discard(run: RunId, except?: { readonly round: number; readonly attempt: number }): Promise<void>;
  /** Runs that have something here. */
  runs(): Promise<readonly RunId[]>;
}

/** Models as safetensors bytes, by their SHA-256. Written once and never changed. */
export interface ModelFiles {
  /** Durable when it answers; putting the same bytes again is harmless. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Length in bytes, undefined when there is none. */
  size(digest: Digest): Promise<number | undefined>;
  read(digest: Digest): Promise<Uint8Array>;
  /** The bytes from `offset` on, in chunks of at most `chunkBytes`. */
  stream(digest: Digest, offset: number, chunkBytes: number): AsyncIterable<Uint8Array>;
}

export interface AdmissionTerms {
  readonly manifest: Manifest;
  readonly normBound: number;
}

export interface AggregationWork {
  readonly base: Uint8Array;
  readonly contributions: readonly { readonly site: SiteName; readonly examples: number; readonly bytes: Uint8Array }[];
  readonly weighting: Weighting;
  readonly terms: AdmissionTerms;
}

/** The arithmetic on whole models, away from the event loop. All bytes are safetensors; what is passed in is given away. */
export interface Arithmetic {
  initialise(graph: Graph, seed: number): Promise<Uint8Array>;
  /** Faults SAFETENSORS_MALFORMED, WEIGHTS_MISMATCH, UPDATE_NOT_FINITE, UPDATE_NORM_EXCEEDED. */
  admit(update: Uint8Array, terms: AdmissionTerms): Promise<void>;
  /** The next global model; the same bytes for any order of the contributions. */
  aggregate(work: AggregationWork): Promise<Uint8Array>;
  close(): Promise<void>;
}
