import type { ConsentPorts } from './consent.js';
import { isFatal } from './fatal.js';
import type { Guard } from './guard.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Log } from './log.js';
import type { OwnLog } from './own-log.js';
import type { Worklist } from './worklist.js';

export interface TellPorts {
  readonly guard: Pick<Guard, 'send'>;
  readonly ledger: Pick<SiteLedger, 'documents'>;
  readonly worklist: Pick<Worklist, 'cancel'>;
  readonly ownLog: Pick<OwnLog, 'publish'>;
  readonly log: Log;
}

/** Tells the coordinator what this site decided. What cannot be told now is asked again when the next session opens. */
export function teller({
  guard,
  ledger,
  worklist,
  ownLog,
  log,
}: TellPorts): Pick<ConsentPorts, 'answer' | 'withdrawn'> {
  const unlessFatal = async (run: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (isFatal(error)) throw error;
      log.warn({ run, err: error }, 'the decision waits for the next session');
    }
  };
  return {
    answer: (run, planDigest, decision) => {
      const { approved, by } = decision;
      const code = decision.approved ? null : decision.code;
      log.info({ run, planDigest, approved, by, code }, 'plan decided');
      return unlessFatal(run, async () => {
        const envelope = decision.approved ? await ledger.documents.get(decision.envelope) : null;
        await guard.send({ kind: 'plan-decision', run, planDigest, approved, code, envelope });
      });
    },
    withdrawn: (run, planDigest) => {
      log.info({ run, planDigest }, 'approval withdrawn');
      worklist.cancel(run);
      return unlessFatal(run, async () => {
        await guard.send({ kind: 'plan-withdrawal', run, planDigest });
        // A copy of this state from before shall find that the coordinator has seen more.
        await ownLog.publish();
      });
    },
  };
}
