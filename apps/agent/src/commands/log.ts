import { join } from 'node:path';
import { STATE_FILES } from '../agent.js';
import type { Entry } from '../journal/entry.js';
import { readJournal } from '../journal/file.js';
import { readSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import type { OperateOptions } from './operate.js';

const open = async ({ settings }: OperateOptions, { env }: Terminal) =>
  readJournal(join((await readSettings(settings, env)).state, STATE_FILES.journal));

/** Every entry, oldest first; a journal that is not whole throws JOURNAL_CORRUPT and shows nothing. */
export async function show(options: OperateOptions, terminal: Terminal): Promise<void> {
  const { entries } = await open(options, terminal);
  for (const entry of entries) terminal.out(options.json ? JSON.stringify(entry) : entryLine(entry));
}

/** Checks the whole chain; its last digest, written down elsewhere, later proves that nothing was cut off. */
export async function verify(options: OperateOptions, terminal: Terminal): Promise<void> {
  const { entries, head, tornBytes } = await open(options, terminal);
  const sent = entries.filter((entry) => entry.type === 'egress.sent');
  const bytesSent = sent.reduce((sum, { bytes }) => sum + bytes, 0);
  if (options.json) {
    return terminal.out(
      JSON.stringify({ entries: head.seq, head: head.hash, messagesSent: sent.length, bytesSent, tornBytes }),
    );
  }
  terminal.out(
    `The journal is whole: ${head.seq} entries, ${sent.length} messages of together ${bytesSent} bytes left this site.`,
  );
  terminal.out(`head ${head.hash}`);
  if (tornBytes > 0) terminal.out(`(${tornBytes} bytes of a line that is being written, or that a crash left, follow)`);
}

function entryLine({ seq, at, prev: _, type, ...rest }: Entry): string {
  const facts = Object.entries(rest).map(([key, value]) => `${key} ${shown(key, value)}`);
  return [String(seq).padStart(6), new Date(at).toISOString(), type.padEnd(17), ...facts].join('  ');
}

function shown(key: string, value: unknown): string {
  if (key === 'plan') return '(the whole plan; --json shows it)';
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${String(inner)}`)
    .join(',');
}
