import type { Round, Run } from '@consilium/round';
import type { Code, Digest, RunId, SiteName, StudyName } from '@consilium/stdx';
import type { Manifest } from '@consilium/weights';
import type { Prisma } from '../../generated/client.js';
import type {
  Evaluation,
  ModelVersion,
  Plan,
  Round as RoundRow,
  Run as RunRow,
  Site,
  Study,
  Update,
} from '../../generated/client.js';
import type { Metrics } from '../../metrics.js';
import type {
  EvaluationRecord,
  ModelVersionRecord,
  PlanRecord,
  RoundOrigin,
  RoundRecord,
  RunRecord,
  SiteMetrics,
  SiteRecord,
  Standings,
  StudyRecord,
  StudyTerms,
  UpdateRecord,
} from '../../records.js';

/** Records ⇄ rows. What comes back was written by this program and checked then, so its types are trusted. */

const json = (value: unknown): Prisma.InputJsonObject => value as Prisma.InputJsonObject;
const at = (ms: number): Date => new Date(ms);
const atOrNull = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
const msOrNull = (date: Date | null): number | null => date?.getTime() ?? null;

export const siteRow = ({ name, software, lastSeenMs }: SiteRecord): Site => ({
  name,
  software,
  lastSeenAt: at(lastSeenMs),
});

export const siteOf = (row: Site): SiteRecord => ({
  name: row.name as SiteName,
  software: row.software,
  lastSeenMs: row.lastSeenAt.getTime(),
});

export const studyRow = ({ createdMs, terms, ...study }: StudyRecord): Prisma.StudyUncheckedCreateInput => ({
  ...study,
  ...(terms && { terms: json(terms) }),
  createdAt: at(createdMs),
});

export const studyOf = ({ createdAt, ...row }: Study): StudyRecord => ({
  ...row,
  name: row.name as StudyName,
  terms: row.terms as unknown as StudyTerms | null,
  document: row.document as Digest | null,
  createdMs: createdAt.getTime(),
});

export const planRow = ({ digest, study, document, envelope, createdMs }: PlanRecord): Plan => ({
  digest,
  studyName: study,
  document,
  envelope,
  createdAt: at(createdMs),
});

export const planOf = (row: Plan): PlanRecord => ({
  digest: row.digest as Digest,
  study: row.studyName as StudyName,
  document: row.document,
  envelope: row.envelope,
  createdMs: row.createdAt.getTime(),
});

export const runRow = (run: RunRecord): Prisma.RunUncheckedCreateInput => ({
  id: run.id,
  planDigest: run.planDigest,
  revision: run.revision,
  phase: run.state.phase,
  state: json(run.state),
  modelDigest: run.modelDigest,
  deadlineAt: atOrNull(run.deadlineMs),
  standings: json(run.standings),
  createdAt: at(run.createdMs),
  endedAt: atOrNull(run.endedMs),
});

export const runOf = (row: RunRow): RunRecord => ({
  id: row.id as RunId,
  planDigest: row.planDigest as Digest,
  revision: row.revision,
  state: row.state as unknown as Run,
  modelDigest: row.modelDigest as Digest,
  deadlineMs: msOrNull(row.deadlineAt),
  standings: row.standings as unknown as Standings,
  createdMs: row.createdAt.getTime(),
  endedMs: msOrNull(row.endedAt),
});

export const roundRow = (round: RoundRecord): Prisma.RoundUncheckedCreateInput => ({
  runId: round.run,
  number: round.number,
  attempt: round.attempt,
  phase: round.state.phase,
  state: json(round.state),
  baseDigest: round.baseDigest,
  modelDigest: round.modelDigest,
  loss: round.loss,
  auc: round.auc,
  startedAt: at(round.startedMs),
  deadlineAt: at(round.deadlineMs),
  endedAt: atOrNull(round.endedMs),
});

export const roundOf = (row: RoundRow): RoundRecord => ({
  run: row.runId as RunId,
  number: row.number,
  attempt: row.attempt,
  state: row.state as unknown as Round,
  baseDigest: row.baseDigest as Digest,
  modelDigest: row.modelDigest as Digest | null,
  loss: row.loss,
  auc: row.auc,
  startedMs: row.startedAt.getTime(),
  deadlineMs: row.deadlineAt.getTime(),
  endedMs: msOrNull(row.endedAt),
});

export const updateRow = ({ run, committedMs, ...update }: UpdateRecord): Prisma.UpdateUncheckedCreateInput => ({
  ...update,
  runId: run,
  metrics: json(update.metrics),
  committedAt: at(committedMs),
});

export const updateOf = ({ runId, committedAt, ...row }: Update): UpdateRecord => ({
  ...row,
  run: runId as RunId,
  site: row.site as SiteName,
  sha256: row.sha256 as Digest,
  metrics: row.metrics as unknown as Metrics,
  committedMs: committedAt.getTime(),
});

export const evaluationRow = ({
  run,
  receivedMs,
  ...evaluation
}: EvaluationRecord): Prisma.EvaluationUncheckedCreateInput => ({
  ...evaluation,
  runId: run,
  metrics: json(evaluation.metrics),
  receivedAt: at(receivedMs),
});

export const evaluationOf = ({ runId, receivedAt, ...row }: Evaluation): EvaluationRecord => ({
  ...row,
  run: runId as RunId,
  site: row.site as SiteName,
  modelDigest: row.modelDigest as Digest,
  metrics: row.metrics as unknown as Metrics,
  code: row.code as Code | null,
  receivedMs: receivedAt.getTime(),
});

export const versionRow = ({
  run,
  createdMs,
  ...version
}: ModelVersionRecord): Prisma.ModelVersionUncheckedCreateInput => ({
  ...version,
  runId: run,
  manifest: json(version.manifest),
  metrics: json(version.metrics),
  rounds: json(version.rounds),
  createdAt: at(createdMs),
});

export const versionOf = ({ runId, createdAt, ...row }: ModelVersion): ModelVersionRecord => ({
  ...row,
  run: runId as RunId,
  digest: row.digest as Digest,
  planDigest: row.planDigest as Digest,
  manifest: row.manifest as unknown as Manifest,
  metrics: row.metrics as unknown as readonly SiteMetrics[],
  rounds: row.rounds as unknown as readonly RoundOrigin[],
  createdMs: createdAt.getTime(),
});
