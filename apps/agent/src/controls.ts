import type { SiteChannel } from '@consilium/wire';
import { parsePlan } from '@consilium/round';
import { canonicalJson, Fault, type Digest } from '@consilium/stdx';
import { halt } from './approval/halt.js';
import { PlanPages } from './approval/plan-pages.js';
import type { StandingApprovals } from './approval/standing-approvals.js';
import type { StandingGrants } from './approval/standing-grants.js';
import type { Approvals } from './approvals.js';
import type { Consent } from './consent.js';
import type { Replies, Status } from './control/replies.js';
import type { Controls } from './control/server.js';
import type { Guard } from './guard.js';
import type { RunRecord } from './ledger/runs.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Log } from './log.js';
import type { SignedLog } from './own-log.js';
import type { Progress } from './ports.js';
import type { Worklist } from './worklist.js';

export interface ControlPorts {
  readonly facts: Pick<Status, 'site' | 'engine' | 'sandbox' | 'approve'>;
  /** Kept up to date by the agent. */
  readonly view: {
    readonly connected: boolean;
    readonly progress: Progress | null;
    readonly certificateEndsMs: number;
  };
  readonly rootPem: string;
  readonly ledger: SiteLedger;
  readonly log: Pick<SignedLog, 'note'>;
  readonly consent: Consent;
  readonly approvals: Approvals;
  readonly standing: StandingApprovals;
  readonly grants: StandingGrants;
  readonly worklist: Worklist;
  readonly guard: Pick<Guard, 'send'>;
  readonly channel: Pick<SiteChannel, 'bytesUp' | 'bytesDown'>;
  readonly diary: Log;
}

/** What the site's people ask and say, answered from what the running agent knows. */
export function controlsOf(ports: ControlPorts): Controls {
  const { ledger, consent, approvals, rootPem, worklist, guard, diary } = ports;
  const pages = new PlanPages({ ledger, consent, approvals, rootPem });
  const { runs } = ledger;
  const decided = (planDigest: Digest): Replies['suspend'] => ({
    planDigest,
    runs: runs.all().flatMap((record) => (record.planDigest === planDigest ? [pages.statusOf(record)] : [])),
  });
  return {
    status: () => statusOf(ports, pages),
    plans: () => pages.list(),
    plan: ({ reference, read }) => pages.page(reference, read),
    terms: ({ plan }) => pages.terms(plan),
    sign: async ({ run, document }) => {
      const decision = await consent.sign(run, document);
      if (decision) return { approved: decision.approved, missing: [] };
      const waiting = consent.pending().find((pending) => pending.run === run);
      const soFar = waiting?.prepared && approvals.soFar(waiting.prepared.draft);
      return { approved: false, missing: [...(soFar?.missing ?? [])] };
    },
    reject: async ({ reference, by }) => {
      const { run, planDigest } = pages.find(reference);
      await consent.reject(run, by);
      return decided(planDigest);
    },
    withdraw: async ({ reference, by }) => {
      const { run, planDigest } = goingOn(reference, runs.all(), pages);
      await consent.withdraw(run, by);
      return decided(planDigest);
    },
    suspend: async ({ reference, by }) => {
      const { planDigest } = pages.find(reference);
      await consent.suspend(planDigest, by);
      await halt(planDigest, { runs, worklist, guard, log: diary });
      return decided(planDigest);
    },
    resume: async ({ reference, by }) => {
      const { planDigest } = pages.find(reference);
      await consent.resume(planDigest, by);
      return decided(planDigest);
    },
    ...standingControls(ports),
  };
}

function standingControls({ standing, grants, consent }: ControlPorts) {
  return {
    standing: async () => ({
      standing: await Promise.all(
        (await standing.inForce()).map(async ({ document, study, terms }) => ({
          document,
          study,
          ...terms,
          used: await standing.roundsUsed(terms),
        })),
      ),
    }),
    'standing-draft': async ({ plan, rounds, expiresMs }) => {
      const { approval, dataset, document, missing } = await grants.draft(readPlanText(plan), { rounds, expiresMs });
      const signed = document && Buffer.from(document).toString('base64');
      return { draft: canonicalJson(approval), signed, missing: [...missing], dataset };
    },
    'standing-sign': async ({ document }) => {
      const { document: granted, missing } = await grants.sign(document);
      if (granted) await consent.reconsider();
      return { document: granted, missing: [...missing] };
    },
    'standing-withdraw': async ({ document }) => {
      await grants.withdraw(document);
      return { document };
    },
  } satisfies Pick<Controls, 'standing' | 'standing-draft' | 'standing-sign' | 'standing-withdraw'>;
}

/** The run of this id, or the one approved run of this plan that goes on. */
function goingOn(reference: string, all: readonly RunRecord[], pages: PlanPages): RunRecord {
  const open = all.filter(
    ({ run, planDigest, decision, withdrawn, ended }) =>
      (run === reference || planDigest === reference) && decision?.approved && !withdrawn && !ended,
  );
  if (open.length > 1) {
    throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'a run id', approved: open.length });
  }
  return open[0] ?? pages.find(reference);
}

function statusOf({ facts, view, ledger, log, worklist, channel }: ControlPorts, pages: PlanPages): Status {
  return {
    ...facts,
    connected: view.connected,
    working: workingOf(worklist, view.progress),
    runs: ledger.runs.all().map((record) => pages.statusOf(record)),
    checkpoint: log.note ?? null,
    witness: { size: ledger.watched.last?.size ?? null, refused: ledger.watched.refused },
    certificateEndsMs: view.certificateEndsMs,
    bytesUp: channel.bytesUp,
    bytesDown: channel.bytesDown,
  };
}

function workingOf({ current }: Worklist, progress: Progress | null): Status['working'] {
  if (!current) return null;
  const round = current.kind === 'round' ? current.round : null;
  return { run: current.run, round, step: progress?.step ?? null, steps: progress?.steps ?? null };
}

function readPlanText(text: string): ReturnType<typeof parsePlan> {
  try {
    return parsePlan(JSON.parse(text));
  } catch (error) {
    throw Fault.is(error) ? error : new Fault('PLAN_UNREADABLE', {}, error);
  }
}
