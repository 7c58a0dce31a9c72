import { Fault, type Clock } from '@consilium/stdx';
import { isFatal } from './fatal.js';
import type { Log } from './log.js';
import type { Assignment, RoundOffer } from './offers.js';
import { contribute, evaluateModel, type Hospital } from './pipeline.js';
import type { Progress } from './ports.js';
import { progressTeller } from './progress.js';
import type { Perform } from './worklist.js';

export interface WorkPorts {
  readonly hospital: Hospital;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when an update was sent: the log of it is to be signed and shown to the coordinator. */
  published(): void;
  /** Called with what must stop the agent: a log that takes nothing more, or a bug of ours. */
  fatal(error: unknown): void;
  /** How far the training is, for the operator's `status`. */
  watch?(progress: Progress): void;
}

/** Answers by which the coordinator says that it no longer wants this update; a refusal would tell it nothing new. */
const UNWANTED = ['NOT_A_PARTICIPANT', 'ROUND_TRANSITION_REFUSED', 'UPDATE_CONFLICT'] as const;

/** Does assignments for the worklist: every outcome is answered, by an update, by metrics, or by a code. */
export function performer(ports: WorkPorts): Perform {
  return async (assignment, signal) => {
    const { run } = assignment;
    const log = ports.log.child(
      assignment.kind === 'round' ? { run, round: assignment.round, attempt: assignment.attempt } : { run },
    );
    const startedMs = ports.clock.monotonic();
    try {
      await (assignment.kind === 'round'
        ? inTime(assignment, ports, signal)
        : evaluateModel(assignment, ports.hospital, signal));
      log.info(
        { ms: Math.round(ports.clock.monotonic() - startedMs) },
        assignment.kind === 'round' ? 'update sent' : 'evaluation sent',
      );
      if (assignment.kind === 'round') ports.published();
    } catch (error) {
      if (isFatal(error)) return ports.fatal(error);
      if (signal.aborted) return log.info('stopped: the coordinator asks for something else, or the agent ends');
      await answerFailure(assignment, Fault.from(error), ports, log);
    }
  };
}

/** The round, until its deadline: later the coordinator has closed it without this site. */
async function inTime(
  offer: RoundOffer,
  { hospital, clock, fatal, watch }: WorkPorts,
  signal: AbortSignal,
): Promise<void> {
  const late = new AbortController();
  const cancelTimer = clock.after(offer.deadlineMs, () => late.abort());
  const tell = progressTeller(offer, hospital.guard, clock, fatal);
  try {
    await contribute(offer, hospital, AbortSignal.any([signal, late.signal]), (progress) => {
      watch?.(progress);
      tell(progress);
    });
  } catch (error) {
    throw late.signal.aborted && !isFatal(error) ? new Fault('TIMEOUT', { afterMs: offer.deadlineMs }) : error;
  } finally {
    cancelTimer();
  }
}

async function answerFailure(
  assignment: Assignment,
  fault: Fault,
  { hospital, fatal }: WorkPorts,
  log: Log,
): Promise<void> {
  log.warn({ err: fault }, assignment.kind === 'round' ? 'no update for this round' : 'no evaluation');
  const { code } = fault;
  const { run } = assignment;
  try {
    if (assignment.kind === 'evaluation') {
      await hospital.guard.send({
        kind: 'evaluation',
        run,
        modelDigest: assignment.modelDigest,
        examples: 0,
        metrics: null,
        code,
      });
    } else if (!UNWANTED.some((other) => other === code)) {
      await hospital.guard.send({
        kind: 'round-refusal',
        run,
        round: assignment.round,
        attempt: assignment.attempt,
        code,
      });
    }
  } catch (error) {
    // Without a session there is nobody to tell; the coordinator offers again when the next one opens.
    if (isFatal(error)) return fatal(error);
    log.warn({ err: error }, 'could not tell the coordinator');
  }
}
