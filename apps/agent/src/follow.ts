import { Fault } from '@consilium/stdx';
import type { SiteChannel } from '@consilium/wire';
import type { Consent } from './consent.js';
import { isFatal } from './fatal.js';
import type { Log } from './log.js';
import type { Assignment, Instruction, RoundClosed } from './offers.js';
import type { Runs } from './runs.js';
import type { Worklist } from './worklist.js';

export interface FollowPorts {
  readonly runs: Runs;
  readonly consent: Consent;
  readonly worklist: Worklist;
  readonly log: Log;
  readonly channel: Pick<SiteChannel, 'bytesUp' | 'bytesDown'>;
  /** Called with what must stop the agent. */
  fail(error: unknown): void;
}

/** What each instruction sets going. It returns at once, except for a line in the journal, so that the next is heard. */
export function follower({
  runs,
  consent,
  worklist,
  log,
  channel,
  fail,
}: FollowPorts): (instruction: Instruction) => Promise<void> {
  return async (instruction) => {
    const { run } = instruction;
    switch (instruction.kind) {
      case 'plan':
        consent.offered(instruction).catch((error: unknown) => {
          if (isFatal(error)) return fail(error);
          log.warn({ run, err: error }, 'the offered plan stays undecided');
        });
        return;
      case 'round':
      case 'evaluation':
        return takeOn(() => worklist.offer(instruction), log, run);
      case 'round-closed': {
        const { round, attempt, outcome } = instruction;
        worklist.cancel(run, (work) => isClosedBy(work, instruction));
        if (runs.find(run)) await runs.write({ type: 'round.closed', run, round, attempt, outcome });
        return;
      }
      case 'run-ended': {
        worklist.cancel(run);
        consent.ended(run);
        const known = runs.find(run);
        if (known && !known.ended) await runs.write({ type: 'run.ended', run, outcome: instruction.outcome });
        log.info(
          { run, outcome: instruction.outcome, bytesUp: channel.bytesUp, bytesDown: channel.bytesDown },
          'run ended',
        );
      }
    }
  };
}

function takeOn(offer: () => void, log: Log, run: string): void {
  try {
    offer();
  } catch (error) {
    log.warn({ run, code: Fault.from(error).code }, 'too much waits already; the coordinator offers it again');
  }
}

/** A closed round closes its earlier attempts and the rounds before it too. */
function isClosedBy(work: Assignment, { round, attempt }: RoundClosed): boolean {
  return work.kind === 'round' && (work.round < round || (work.round === round && work.attempt <= attempt));
}
