import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import { FEATURES, PROTOCOL_VERSION, type CoordinatorMessage, type Welcome } from '@consilium/wire';
import { delayAfter, pause, RECONNECT } from './backoff.js';
import { isFatal } from './fatal.js';
import type { Guard } from './guard.js';
import { readInstruction } from './hub/incoming.js';
import type { WireUplink } from './hub/uplink.js';
import type { Log } from './log.js';
import type { Instruction } from './offers.js';
import { SOFTWARE } from './version.js';

export interface SessionPorts {
  readonly site: SiteName;
  readonly guard: Guard;
  readonly uplink: Pick<WireUplink, 'messages' | 'closeSession'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Takes one instruction; returns before the work it starts is done, so that the next one is heard. */
  follow(instruction: Instruction): Promise<void>;
  /** Told when the coordinator's Welcome came, and when the session was lost. */
  connected?(yes: boolean): void;
}

/** Refusals that do not pass by themselves within seconds: the next try waits the longest time at once. */
const STUBBORN = [
  'PROTOCOL_VERSION_UNSUPPORTED',
  'SESSION_REPLACED',
  'PEER_NOT_A_SITE',
  'PEER_NOT_THE_COORDINATOR',
  'PEER_CERTIFICATE_FOREIGN',
  'CERTIFICATE_INVALID',
] as const;

/**
 * Keeps one session with the coordinator open until the signal aborts: handshake, then instructions as they come, and
 * after a loss again with growing pauses. Nothing is remembered of the old session, since the coordinator offers again
 * whatever this site still owes.
 */
export async function keepSession(ports: SessionPorts, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    let code: string;
    try {
      await runSession(ports, signal, () => (failures = 0));
      code = 'UNAVAILABLE';
    } catch (error) {
      if (signal.aborted) return;
      if (isFatal(error)) throw error;
      code = Fault.from(error).code;
    } finally {
      ports.uplink.closeSession();
      ports.connected?.(false);
    }
    failures += 1;
    const stubborn = STUBBORN.some((other) => other === code);
    const waitMs = Math.round(delayAfter(stubborn ? 31 : failures, RECONNECT, ports.random));
    ports.log.warn({ code, failures, waitMs }, 'no session with the coordinator; trying again');
    await pause(waitMs, ports.clock, signal).catch(() => {}); // aborted: the loop's condition ends it
  }
}

async function runSession(ports: SessionPorts, signal: AbortSignal, welcomed: () => void): Promise<void> {
  const { guard, uplink, log, site } = ports;
  await guard.openSession(
    { kind: 'hello', protocolVersion: PROTOCOL_VERSION, features: [...FEATURES], software: SOFTWARE },
    signal,
  );
  for await (const message of uplink.messages) {
    if (message.welcome) {
      requireOwnName(message.welcome, site);
      welcomed();
      ports.connected?.(true);
      log.info('session open');
      continue;
    }
    const instruction = understand(message, log);
    if (instruction) await ports.follow(instruction);
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
