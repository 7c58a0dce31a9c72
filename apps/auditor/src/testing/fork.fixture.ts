import {
  coordinatorOrigin,
  LOG_SIGNATURE,
  verifierKey,
  type CoordinatorEvent,
  type VerifierKey,
} from '@consilium/ledger';
import { logFolder, MemoryBundle, pathOn, type Bundle } from '../bundle/bundle.js';
import { LogWriter, TickingClock } from './log.fixture.js';
import { FEDERATION, newParties, START_MS, type Parties } from './parties.fixture.js';

/** A coordinator that shows two parties two histories, which part after `at` entries. */
export interface Fork {
  readonly parties: Parties;
  /** The log before it was forked. */
  readonly common: Bundle;
  readonly left: Bundle;
  readonly right: Bundle;
  readonly key: VerifierKey;
}

export async function forkOf({ at, left, right }: { at: number; left: number; right: number }): Promise<Fork> {
  const parties = await newParties(['aarhus', 'berlin']);
  const origin = coordinatorOrigin(FEDERATION, 2026);
  const event = (page: 'tiles' | 'entries'): CoordinatorEvent => ({
    type: 'audit.read',
    person: 'person-0000000000',
    page,
  });

  /** Writes the same beginning (the salts are the events' own), then the branch's own entries. */
  const branch = async (page: 'tiles' | 'entries', own: number): Promise<Bundle> => {
    const log = await LogWriter.open('coordinator', origin, parties.coordinator, new TickingClock(START_MS), sameSalt);
    for (let i = 1; i < at; i++) log.record(event('tiles'), START_MS + i);
    for (let i = 0; i < own; i++) log.record(event(page), START_MS + at + i);
    await log.checkpoint();
    const files = [...log.storage.files].map(([path, bytes]) => [logFolder(origin) + path, bytes] as const);
    return new MemoryBundle(new Map([...files, [pathOn('document', parties.rosterDigest), parties.rosterDocument]]));
  };
  return {
    parties,
    common: await branch('tiles', 0),
    left: await branch('tiles', left),
    right: await branch('entries', right),
    key: verifierKey(origin, LOG_SIGNATURE, parties.coordinator.publicKey),
  };
}

const sameSalt = (): string => '0'.repeat(32);
