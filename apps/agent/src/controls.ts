import type { SiteChannel } from '@consilium/wire';
import { approvalText } from './approval-text.js';
import type { Consent } from './consent.js';
import type { Controls } from './control/server.js';
import type { DecisionReply, Status } from './control/protocol.js';
import type { Progress } from './ports.js';
import type { Decision, RunRecord, Runs } from './runs.js';
import type { Worklist } from './worklist.js';

export interface ControlPorts {
  readonly facts: Pick<Status, 'site' | 'engine' | 'sandbox' | 'approve'>;
  /** Kept up to date by the agent. */
  readonly view: { readonly connected: boolean; readonly progress: Progress | null };
  readonly runs: Runs;
  readonly consent: Consent;
  readonly worklist: Worklist;
  readonly channel: Pick<SiteChannel, 'bytesUp' | 'bytesDown'>;
}

/** The operator's questions, answered from what the running agent knows. */
export function controlsOf({ facts, view, runs, consent, worklist, channel }: ControlPorts): Controls {
  return {
    status: () => ({
      ...facts,
      connected: view.connected,
      working: workingOf(worklist, view.progress),
      runs: runs.all().map(runStatus),
      bytesUp: channel.bytesUp,
      bytesDown: channel.bytesDown,
    }),
    plans: () => ({
      plans: consent.pending().map(({ run, planDigest, plan, offeredMs }) => ({
        run,
        planDigest,
        offeredMs,
        study: plan.study,
        text: approvalText(plan, { run, planDigest }),
      })),
    }),
    approve: async (reference) => decisionReply(await consent.approve(reference)),
    reject: async (reference) => decisionReply(await consent.reject(reference)),
  };
}

function workingOf({ current }: Worklist, progress: Progress | null): Status['working'] {
  if (!current) return null;
  const round = current.kind === 'round' ? current.round : null;
  return { run: current.run, round, step: progress?.step ?? null, steps: progress?.steps ?? null };
}

function runStatus({ run, planDigest, decision, ended }: RunRecord): Status['runs'][number] {
  const code = decision && !decision.approved ? decision.code : null;
  return {
    run,
    planDigest,
    decision: !decision ? 'pending' : decision.approved ? 'approved' : 'rejected',
    code,
    ended,
  };
}

const decisionReply = (decision: Decision): DecisionReply => ({
  approved: decision.approved,
  code: decision.approved ? null : decision.code,
});
