import type { Manifest } from '@consilium/weights';
import type { Governance, Round, Run } from '@consilium/round';
import type { Code, Digest, RunId, SiteName, StudyName } from '@consilium/stdx';
import type { Metrics } from './metrics.js';

/** What the coordinator remembers, as values. Times are UTC milliseconds. */

/** A hospital that has opened a session. */
export interface SiteRecord {
  readonly name: SiteName;
  /** The release of its agent, as the agent says. */
  readonly software: string;
  readonly lastSeenMs: number;
}

/** A governed purpose, under which plans are proposed. */
export interface StudyRecord {
  readonly name: StudyName;
  readonly title: string;
  readonly purpose: string;
  /** Null in a study of a release before governance: no plan of it is completed any more. */
  readonly terms: StudyTerms | null;
  /** The signed study document that these words stand in; null together with the terms. */
  readonly document: Digest | null;
  readonly createdMs: number;
}

/** What a study's plans must keep to. `jurisdictions` and `sites` are sorted. */
export interface StudyTerms extends Governance {
  readonly sites: readonly SiteName[];
}

/** `document` is the plan's canonical JSON (RFC 8785), byte for byte what `digest` is the SHA-256 of and what sites approve. */
export interface PlanRecord {
  readonly digest: Digest;
  readonly study: StudyName;
  readonly document: string;
  /** The DSSE envelope of the document with the signatures that it has so far; null in a plan that nobody signed. */
  readonly envelope: string | null;
  readonly createdMs: number;
}

/** One execution of a plan. */
export interface RunRecord {
  readonly id: RunId;
  readonly planDigest: Digest;
  /** Grows by one with each commit; a commit on top of anything but its predecessor is refused. */
  readonly revision: number;
  readonly state: Run;
  /** The newest global model: the initial one, then each published round's. */
  readonly modelDigest: Digest;
  /** When the evaluation closes without the silent sites; null in every other phase. */
  readonly deadlineMs: number | null;
  readonly standings: Standings;
  readonly createdMs: number;
  readonly endedMs: number | null;
}

export type Decision = 'pending' | 'approved' | 'rejected';

/** One site's part in a run so far: what it decided, bytes of updates up, bytes of models down. */
export interface Standing {
  readonly decision: Decision;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Training samples behind its latest committed update. */
  readonly examples: number | null;
}
export type Standings = Readonly<Record<SiteName, Standing>>;

/** One pass of a run. */
export interface RoundRecord {
  readonly run: RunId;
  readonly number: number;
  readonly attempt: number;
  readonly state: Round;
  /** The model that is trained from. */
  readonly baseDigest: Digest;
  readonly modelDigest: Digest | null;
  /** Training loss, averaged over the contributors' examples. */
  readonly loss: number | null;
  /** AUC of the base model, averaged over the contributors that could measure it. */
  readonly auc: number | null;
  readonly startedMs: number;
  /** When the current phase closes without the silent sites. */
  readonly deadlineMs: number;
  readonly endedMs: number | null;
}

/** A committed update: its bytes had the announced length and SHA-256, lie in the spool and were admitted. */
export interface UpdateRecord {
  readonly run: RunId;
  readonly number: number;
  readonly attempt: number;
  readonly site: SiteName;
  readonly sha256: Digest;
  readonly length: number;
  readonly examples: number;
  readonly loss: number | null;
  /** The base model on the site's test split, where the round asked for it. */
  readonly metrics: Metrics;
  readonly committedMs: number;
}

/** A site's measurement of the run's final model, or the code that says why there is none. */
export interface EvaluationRecord {
  readonly run: RunId;
  readonly site: SiteName;
  readonly modelDigest: Digest;
  readonly examples: number;
  readonly metrics: Metrics;
  readonly code: Code | null;
  readonly receivedMs: number;
}

/** A checkpoint of a site's own log, as the site signed it. */
export interface SiteLogRecord {
  readonly site: SiteName;
  /** The last part of the log's origin: a year, as `2026`, or `2026-2` after a restore. */
  readonly shard: string;
  /** Entries under the checkpoint. */
  readonly size: number;
  /** Merkle root, 64 hexadecimal digits. */
  readonly root: Digest;
  /** The signed note, as it came. */
  readonly note: string;
}

/** A published model: everything beside its bytes. Nothing of this is inside the safetensors file. */
export interface ModelVersionRecord {
  readonly run: RunId;
  readonly digest: Digest;
  readonly planDigest: Digest;
  readonly round: number;
  readonly manifest: Manifest;
  readonly metrics: readonly SiteMetrics[];
  readonly rounds: readonly RoundOrigin[];
  readonly createdMs: number;
}

/** `site: null` is the mean over the sites where the metric is defined. */
export interface SiteMetrics {
  readonly site: SiteName | null;
  readonly examples: number;
  readonly metrics: Metrics | null;
}

/** What made one round's model, so that an auditor can follow the chain of digests. */
export interface RoundOrigin {
  readonly round: number;
  readonly attempt: number;
  readonly baseDigest: Digest;
  readonly modelDigest: Digest;
  readonly updates: readonly { readonly site: SiteName; readonly sha256: Digest; readonly examples: number }[];
}
