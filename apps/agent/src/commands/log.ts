import { decodePublicKey, openRoster } from '@consilium/identity';
import {
  coordinatorCosigner,
  COSIGNATURE,
  LOG_SIGNATURE,
  openCheckpoint,
  parseCheckpointNote,
  verifierKey,
  type SiteEntry,
} from '@consilium/ledger';
import { lockState, systemClock } from '@consilium/machine';
import { Fault, toHex } from '@consilium/stdx';
import { controlSocket } from '../control/address.js';
import { agentAnswers } from '../control/client.js';
import { readIdentity, type Identity } from '../identity.js';
import { openLog, readLog } from '../ledger/open.js';
import { readSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import type { SiteOptions } from './site-agent.js';

async function open({ settings: path }: SiteOptions, { env }: Terminal) {
  const settings = await readSettings(path, env);
  const identity = await readIdentity(settings.identity);
  return { settings, identity };
}

/** Every entry of every shard, oldest first; a log that is not whole throws LEDGER_CORRUPT and shows nothing. */
export async function show(options: SiteOptions, terminal: Terminal): Promise<void> {
  const { settings, identity } = await open(options, terminal);
  const { past } = await readLog(settings, identity);
  past.forEach((entry, index) => terminal.out(options.json ? JSON.stringify(entry) : entryLine(entry, index)));
}

/** Hashes every entry again, up to the checkpoints that this site's own key has signed, and the rows after them. */
export async function verify(options: SiteOptions, terminal: Terminal): Promise<void> {
  const { settings, identity } = await open(options, terminal);
  const { past, log, sharded } = await readLog(settings, identity);
  const sent = past.flatMap((entry) => (entry.type === 'egress.sent' ? [entry] : []));
  const bytesSent = sent.reduce((sum, { bytes }) => sum + bytes, 0);
  const signed = [...log.earlierShards, log.shard].reduce((sum, { size }) => sum + size, 0);
  const checkpoint = sharded.note === undefined ? null : parseCheckpointNote(sharded.note).checkpoint;
  const cosigned = sharded.note === undefined ? null : cosignedAt(sharded.note, identity);
  const facts = {
    entries: past.length,
    signed,
    origin: checkpoint?.origin ?? null,
    root: checkpoint && toHex(checkpoint.root),
    cosignedSeconds: cosigned,
    messagesSent: sent.length,
    bytesSent,
  };
  if (options.json) return terminal.out(JSON.stringify(facts));
  terminal.out(
    `The log is whole: ${past.length} entries, ${sent.length} messages of together ${bytesSent} bytes left this site.`,
  );
  if (!checkpoint) return terminal.out('no checkpoint yet: the agent signs one when it first meets its coordinator');
  terminal.out(
    `${signed} of the entries are signed: ${checkpoint.origin}, size ${checkpoint.size}, root ${facts.root}`,
  );
  const when = cosigned === null ? 'not cosigned yet' : `cosigned ${new Date(cosigned * 1000).toISOString()}`;
  terminal.out(`by the coordinator: ${when}`);
}

/**
 * Goes on after the state was restored from an old copy and no newer one is left: names the gap in the log, and gives
 * up every run that goes on, since what was withdrawn or sent in the gap is not known any more.
 */
export async function restore(options: SiteOptions & { witnessed: number }, terminal: Terminal): Promise<void> {
  const { settings, identity } = await open(options, terminal);
  const lock = await lockState(settings.state, () => agentAnswers(controlSocket(settings.state)));
  try {
    const { log } = await openLog(settings, identity, systemClock);
    const lost = options.witnessed - log.shard.size;
    if (!(lost > 0)) throw new Fault('USAGE', { option: '--witnessed', expected: `more than ${log.shard.size}` });
    await log.restore(lost);
    await log.close();
    terminal.out(
      options.json
        ? JSON.stringify({ lost })
        : `${lost} entries are given up; every run needs a new approval, and standing approvals must be granted anew`,
    );
  } finally {
    await lock.release();
  }
}

/** When the coordinator cosigned, in POSIX seconds by its clock. Throws for a note that this site's key has not signed. */
function cosignedAt(note: string, { rootPem, roster, signing, formerKeys }: Identity): number | null {
  const { origin } = parseCheckpointNote(note).checkpoint;
  const { federation, coordinator } = openRoster(roster, rootPem);
  const witness = verifierKey(coordinatorCosigner(federation), COSIGNATURE, decodePublicKey(coordinator.signing));
  const own = [signing.publicKey, ...formerKeys].map((key) => verifierKey(origin, LOG_SIGNATURE, key));
  const [seconds] = openCheckpoint(note, own, [witness]).cosigned.values();
  return seconds ?? null;
}

function entryLine(entry: SiteEntry, index: number): string {
  const { at, v: _v, salt: _salt, type, ...rest } = entry;
  // Which run first, as people look for it; on disk the fields stand in the order of the alphabet.
  const { run, round, attempt, ...others } = { run: undefined, round: undefined, attempt: undefined, ...rest };
  const facts = Object.entries({ run, round, attempt, ...others })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${shown(value)}`);
  return [String(index).padStart(6), new Date(at).toISOString(), type.padEnd(18), ...facts].join('  ');
}

function shown(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${String(inner)}`)
    .join(',');
}
