import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import { FEATURES, PROTOCOL_VERSION, services, type CoordinatorMessage, type Welcome } from '@consilium/wire';
import { delayAfter, pause, RECONNECT } from './backoff.js';
import type { Turnover } from './enrolment/turnover.js';
import { isFatal } from './fatal.js';
import type { Guard } from './guard.js';
import { readInstruction } from './hub/incoming.js';
import type { WireUplink } from './hub/uplink.js';
import type { Log } from './log.js';
import type { Instruction } from './offers.js';
import type { OutgoingOf } from './outgoing.js';
import type { OwnLog } from './own-log.js';
import type { Tally } from './tally.js';
import { SOFTWARE } from './version.js';
import type { CoordinatorWitness } from './witness.js';

export interface SessionPorts {
  readonly site: SiteName;
  readonly guard: Guard;
  readonly uplink: Pick<WireUplink, 'messages' | 'closeSession'>;
  readonly witness: Pick<CoordinatorWitness, 'newest'>;
  readonly ownLog: Pick<OwnLog, 'note' | 'welcomed' | 'publish'>;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Takes one instruction; returns before the work it starts is done, so that the next one is heard. */
  follow(instruction: Instruction): Promise<void>;
  /** Told when the coordinator's Welcome came, and when the session was lost. */
  connected?(yes: boolean): void;
  /** Ends the session for one with a renewed certificate. */
  readonly turnover?: Pick<Turnover, 'opening' | 'look' | 'isDue' | 'due'>;
}

/** Refusals that do not pass by themselves within seconds: the next try waits the longest time at once. */
const STUBBORN = [
  'PROTOCOL_VERSION_UNSUPPORTED',
  'SESSION_REPLACED',
  'PEER_NOT_A_SITE',
  'PEER_NOT_THE_COORDINATOR',
  'PEER_CERTIFICATE_FOREIGN',
  'CERTIFICATE_INVALID',
  'SITE_NOT_ENROLLED',
  'SITE_REVOKED',
  'LEDGER_ROLLED_BACK',
  'LEDGER_FORKED',
] as const;

/**
 * Keeps one session with the coordinator open until the signal aborts: handshake, then instructions as they come, and
 * after a loss again with growing pauses. Nothing is remembered of the old session, since the coordinator offers again
 * whatever this site still owes.
 */
export async function keepSession(ports: SessionPorts, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    let welcomed = false;
    let code: string;
    ports.turnover?.opening();
    try {
      await runSession(ports, signal, () => {
        failures = 0;
        welcomed = true;
      });
      code = 'UNAVAILABLE';
    } catch (error) {
      if (isFatal(error)) throw error;
      code = Fault.from(error).code;
    } finally {
      ports.uplink.closeSession();
      ports.connected?.(false);
    }
    if (welcomed) await settle(ports);
    if (signal.aborted) return;
    if (ports.turnover?.isDue) {
      ports.log.info('a session with the renewed certificate follows');
      continue;
    }
    failures += 1;
    const stubborn = STUBBORN.some((other) => other === code);
    const waitMs = Math.round(delayAfter(stubborn ? 31 : failures, RECONNECT, ports.random));
    ports.log.warn({ code, failures, waitMs }, 'no session with the coordinator; trying again');
    const waiting = ports.turnover ? AbortSignal.any([signal, ports.turnover.due]) : signal;
    await pause(waitMs, ports.clock, waiting).catch(() => {}); // the loop's condition ends it, or the next session begins
  }
}

async function runSession(ports: SessionPorts, signal: AbortSignal, welcomed: () => void): Promise<void> {
  const { guard, uplink, log, site, ownLog, tally } = ports;
  await guard.openSession(await helloOf(ports), signal);
  for await (const message of uplink.messages) {
    if (message.welcome) {
      tally.received('keepalive', sizeOf(message));
      requireOwnName(message.welcome, site);
      await ownLog.welcomed(message.welcome.siteCheckpoint);
      welcomed();
      ports.connected?.(true);
      log.info('session open');
      await ownLog.publish();
      continue;
    }
    if (message.witnessRequest || message.witnessAnswer) tally.received('ledger', sizeOf(message));
    const instruction = understand(message, log);
    if (instruction) await ports.follow(instruction);
    ports.turnover?.look();
  }
}

async function helloOf({ witness, ownLog }: SessionPorts): Promise<OutgoingOf<'hello'>> {
  return {
    kind: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    features: [...FEATURES],
    software: SOFTWARE,
    coordinatorCheckpoint: await witness.newest(),
    ownCheckpoint: ownLog.note ?? null,
  };
}

/** The session's sums stand in the log when it is over; on a full disk they are counted on. */
async function settle({ tally, log }: SessionPorts): Promise<void> {
  try {
    await tally.settle();
  } catch (error) {
    if (isFatal(error)) throw error;
    log.warn({ err: error }, 'the session’s sums wait for the next occasion');
  }
}

/** A message that is not understood (a newer coordinator's, say) is left out and logged, and the session goes on. */
function understand(message: CoordinatorMessage, log: Log): Instruction | undefined {
  try {
    return readInstruction(message);
  } catch (error) {
    log.warn({ code: Fault.from(error).code }, 'an instruction that this agent does not understand');
    return undefined;
  }
}

/** The wire has checked the handshake and its version; what is left is that the coordinator knows us as who we are. */
function requireOwnName(welcome: Welcome, site: SiteName): void {
  if (welcome.site !== site)
    throw new Fault('CERTIFICATE_INVALID', { expected: 'a certificate of the site in the settings' });
}

const sizeOf = (message: CoordinatorMessage): number => services.rounds.Session.responseSerialize(message).byteLength;
