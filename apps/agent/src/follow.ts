import { Fault } from '@consilium/stdx';
import type { SiteChannel } from '@consilium/wire';
import type { Consent } from './consent.js';
import { isFatal } from './fatal.js';
import type { Guard } from './guard.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Log } from './log.js';
import type { Assignment, Instruction, RoundClosed, RunEnded, WitnessRequest } from './offers.js';
import type { Outbox } from './outbox.js';
import type { OwnLog } from './own-log.js';
import type { Tally } from './tally.js';
import type { CoordinatorWitness } from './witness.js';
import type { Worklist } from './worklist.js';

export interface FollowPorts {
  readonly ledger: Pick<SiteLedger, 'runs' | 'rounds' | 'watched' | 'write'>;
  readonly consent: Pick<Consent, 'offered' | 'ended'>;
  readonly worklist: Worklist;
  readonly witness: Pick<CoordinatorWitness, 'consider'>;
  readonly ownLog: Pick<OwnLog, 'answered' | 'publish'>;
  readonly outbox: Pick<Outbox, 'release'>;
  readonly tally: Pick<Tally, 'settle'>;
  readonly guard: Pick<Guard, 'send'>;
  readonly log: Log;
  readonly channel: Pick<SiteChannel, 'bytesUp' | 'bytesDown'>;
  /** Called with what must stop the agent. */
  fail(error: unknown): void;
}

/** What each instruction sets going. It returns at once, except for a line in the log, so that the next is heard. */
export function follower(ports: FollowPorts): (instruction: Instruction) => Promise<void> {
  const { ledger, consent, worklist, ownLog, log, fail } = ports;
  return async (instruction) => {
    switch (instruction.kind) {
      case 'plan': {
        const { run } = instruction;
        // Whoever shows two histories gets no approval out of this site either; the question stays open.
        if (ledger.watched.refused)
          return log.warn({ run, code: ledger.watched.refused }, 'the offered plan is left aside');
        consent.offered(instruction).catch((error: unknown) => {
          if (isFatal(error)) return fail(error);
          log.warn({ run, err: error }, 'the offered plan stays undecided');
        });
        return;
      }
      case 'round':
      case 'evaluation':
        return takeOn(() => worklist.offer(instruction), log, instruction.run);
      case 'round-closed':
        return closeRound(instruction, ports);
      case 'run-ended':
        return endRun(instruction, ports);
      case 'witness-request':
        // Heard before what comes next: the offer that follows rests on this very checkpoint.
        return bear(instruction, ports);
      case 'witness-answer':
        return ownLog.answered(instruction);
    }
  };
}

async function closeRound(closed: RoundClosed, { ledger, worklist, outbox }: FollowPorts): Promise<void> {
  const { run, round, attempt, outcome } = closed;
  worklist.cancel(run, (work) => isClosedBy(work, closed));
  if (!ledger.runs.find(run)) return;
  const before = ledger.rounds.outstanding();
  await ledger.write({ type: 'round.closed', run, round, attempt, outcome });
  await outbox.release(noMore(before, ledger.rounds.outstanding()));
}

async function endRun({ run, outcome }: RunEnded, ports: FollowPorts): Promise<void> {
  const { ledger, consent, worklist, ownLog, outbox, tally, log, channel, fail } = ports;
  worklist.cancel(run);
  consent.ended(run);
  const known = ledger.runs.find(run);
  log.info({ run, outcome, bytesUp: channel.bytesUp, bytesDown: channel.bytesDown }, 'run ended');
  if (!known || known.ended) return;
  const before = ledger.rounds.outstanding();
  await ledger.write({ type: 'run.ended', run, outcome });
  await outbox.release(noMore(before, ledger.rounds.outstanding()));
  await tally.settle();
  ownLog.publish().catch(fail);
}

/** This site's answer as a witness. What cannot be told now is asked again in the next session. */
async function bear(request: WitnessRequest, { witness, guard, log }: FollowPorts): Promise<void> {
  const answer = await witness.consider(request);
  const { code, size, knownSize } = answer;
  if (code) log.warn({ code, size, knownSize }, 'the coordinator’s checkpoint was not cosigned');
  try {
    await guard.send(answer);
  } catch (error) {
    if (isFatal(error)) throw error;
    log.warn({ err: error }, 'the cosignature waits for the next session');
  }
}

const noMore = <T>(before: ReadonlySet<T>, after: ReadonlySet<T>): T[] =>
  [...before].filter((digest) => !after.has(digest));

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
