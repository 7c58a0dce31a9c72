import { canonicalJson, Fault, isCode, utf8, type Code, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import {
  CHUNK_BYTES,
  welcomeOf,
  type Evaluation,
  type HubHandlers,
  type HubSession,
  type LogCheckpoint,
  type ModelRequest,
  type PlanDecision,
  type PlanWithdrawal,
  type RoundRef,
  type SiteMessage,
} from '@consilium/wire';
import { counted } from '../intake/counted.js';
import type { Intake } from '../intake/intake.js';
import { readMetrics } from '../intake/metrics-in.js';
import { NO_METRICS } from '../metrics.js';
import type { WitnessDesk } from '../ledger/witness-desk.js';
import type { SiteStore } from '../ports.js';
import type { RoundKey } from '../runs/active-run.js';
import type { Conductor } from '../runs/conductor.js';
import type { RunWorld } from '../runs/world.js';
import { SOFTWARE } from '../software.js';
import { requireApproval } from './approvals.js';

/** What sessions say to and hear from the desk at which the logs are held against each other. */
export type Witnesses = Pick<WitnessDesk, 'greet' | 'arrived' | 'left' | 'answered' | 'consider'>;

/**
 * What sites say, handed to whom it concerns. `site` is always the name in the peer's certificate. A message about a run
 * or round that is over is ordinary (it crossed ours on the way) and is left out; one that cannot be read ends the session.
 */
export function hubHandlers(
  parts: {
    readonly conductor: Conductor;
    readonly intake: Intake;
    readonly sites: SiteStore;
    readonly witnesses: Witnesses;
  },
  world: RunWorld,
): HubHandlers {
  const { conductor, intake, sites, witnesses } = parts;
  const { sessions, clock, log, ledger } = world;

  return {
    greet: async (site, hello) => ({
      ...welcomeOf({ site, software: SOFTWARE, nowMs: clock.now() }),
      ...(await witnesses.greet(site, hello)),
    }),
    query: (site, header) => intake.query(site, header),
    upload: (site, header, chunks) => intake.upload(site, header, chunks),
    download: (site, request) => download(site, request),
    session,
  };

  async function session(site: SiteName, session: HubSession): Promise<void> {
    const seen = (): Promise<void> =>
      sites.seen({ name: site, software: softwareOf(session), lastSeenMs: clock.now() });
    await seen();
    const leave = sessions.open(site, session);
    log.info({ site, software: softwareOf(session) }, 'site connected');
    try {
      touch(site);
      await witnesses.arrived(site, session.hello);
      await conductor.siteArrived(site);
      for await (const message of session.messages) await hear(site, message);
    } finally {
      leave();
      if (!sessions.has(site)) witnesses.left(site);
      touch(site);
      log.info({ site }, 'site disconnected');
      await seen();
    }
  }

  async function hear(site: SiteName, message: SiteMessage): Promise<void> {
    if (message.witnessAnswer) return witnesses.answered(site, message.witnessAnswer);
    if (message.siteCheckpoint) return void consider(site, message.siteCheckpoint);
    if (message.planDecision) return decide(site, message.planDecision);
    if (message.planWithdrawal) return withdraw(site, message.planWithdrawal);
    if (message.evaluation) return evaluate(site, message.evaluation);
    if (message.progress) {
      const { round, step, steps, loss } = message.progress;
      const active = conductor.find(runOf(round));
      if (active?.isCurrent(keyOf(round))) {
        active.sawProgress(site, { step, steps, loss: Number.isFinite(loss) ? loss : null });
      }
      return;
    }
    if (message.roundRefusal) {
      const { round, code } = message.roundRefusal;
      log.warn({ run: runOf(round), ...keyOf(round), site, code: codeOf(code) }, 'site refuses the round');
      await conductor.find(runOf(round))?.feedRound(keyOf(round), { type: 'site-dropped', site, reason: 'refused' });
      return;
    }
    throw new Fault('MESSAGE_MALFORMED', { field: 'body' });
  }

  /** Besides everything else: an answer that an offer waits for may be the next thing that this site says. */
  async function consider(site: SiteName, checkpoint: LogCheckpoint): Promise<void> {
    try {
      sessions.send(site, { witnessAnswer: await witnesses.consider(site, checkpoint) });
    } catch (error) {
      log.warn({ site, err: error }, 'a checkpoint could not be considered');
      sessions.end(site, Fault.from(error));
    }
  }

  async function decide(site: SiteName, { run, planDigest, approved, code, envelope }: PlanDecision): Promise<void> {
    const active = conductor.find(run as RunId);
    if (!active?.terms.plan.sites.includes(site)) return;
    // An approval binds to the plan's digest: one of any other plan is none.
    if (planDigest !== active.terms.record.digest)
      throw new Fault('MESSAGE_MALFORMED', { field: 'planDecision.planDigest' });
    const { record, plan } = active.terms;
    if (approved) requireApproval(envelope, { run: active.course.run.id, planDigest: record.digest, plan, site });
    const decision = approved
      ? { code: null, envelope: await ledger.document(envelope) }
      : { code: codeOf(code) ?? 'PLAN_REJECTED', envelope: null };
    log.info({ run, site, approved, code: decision.code }, 'site decided');
    await active.feed({ of: 'run', event: { type: approved ? 'plan-approved' : 'plan-rejected', site } }, { decision });
  }

  async function withdraw(site: SiteName, { run, planDigest }: PlanWithdrawal): Promise<void> {
    const active = conductor.find(run as RunId);
    if (!active || planDigest !== active.terms.record.digest) return;
    log.info({ run, site }, 'site withdraws its approval');
    await active.feed({ of: 'run', event: { type: 'plan-withdrawn', site } });
  }

  async function evaluate(site: SiteName, message: Evaluation): Promise<void> {
    const active = conductor.find(message.run as RunId);
    const { state } = active?.course.run ?? {};
    if (!active || state?.phase !== 'evaluation' || state.modelDigest !== message.modelDigest) return;
    const code = codeOf(message.code);
    const evaluation = {
      run: active.course.run.id,
      site,
      modelDigest: state.modelDigest,
      examples: Number.isSafeInteger(message.examples) ? message.examples : 0,
      metrics: code === null ? readMetrics(message.metrics) : NO_METRICS,
      code,
      receivedMs: clock.now(),
    };
    const metrics = code === null ? await ledger.document(utf8(canonicalJson(evaluation.metrics))) : null;
    await active.feed({ of: 'run', event: { type: 'evaluation-received', site } }, { evaluation, metrics });
  }

  /** Only what the site is to train or to measure now: a model is not for every site of the federation. */
  async function download(site: SiteName, { digest, offset }: ModelRequest): Promise<AsyncIterable<Uint8Array>> {
    if (ledger.trouble) throw ledger.trouble;
    const active = conductor.downloading(site, digest as Digest);
    const bytes = active && (await world.models.size(digest as Digest));
    if (!active || bytes === undefined) throw new Fault('NOT_FOUND', { modelDigest: digest });
    if (offset > bytes) throw new Fault('REQUEST_INVALID', { field: 'offset' });
    return counted(world.models.stream(digest as Digest, offset, CHUNK_BYTES), (sent) =>
      active.sawBytes(site, 'down', sent),
    );
  }

  /** Whoever looks at a run sees whether its sites are there. */
  function touch(site: SiteName): void {
    for (const { course, terms } of conductor.all()) if (terms.plan.sites.includes(site)) world.changed(course.run.id);
  }
}

const SOFTWARE_LENGTH_MAX = 64;
/** What an agent calls itself ends in logs and tables: letters, digits and a few marks, and not too many. */
const softwareOf = ({ hello }: HubSession): string =>
  hello.software.replace(/[^\w ./+-]/g, '').slice(0, SOFTWARE_LENGTH_MAX);

const runOf = (round: RoundRef | null): RunId => (round?.run ?? '') as RunId;
const keyOf = (round: RoundRef | null): RoundKey => ({ number: round?.round ?? 0, attempt: round?.attempt ?? 0 });

/** A site tells codes of the catalogue; one that a newer release has is INTERNAL here, and none is null. */
const codeOf = (code: string): Code | null => (code === '' ? null : isCode(code) ? code : 'INTERNAL');
