import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { CATALOGUE, Fault, isCode } from '@consilium/stdx';

export type Log = Logger;

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: for people when a terminal looks, else one JSON object a line. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** Fields that are never written, whatever line they turn up in: keys, tokens, and where patients' files lie. */
const SECRET = [
  'privateKey',
  'private_key',
  'token',
  'password',
  'authorization',
  'pin',
  'folder',
  'folders',
  'file',
  'images',
  'labels',
];

/**
 * The agent's log. Errors are written by {@link describeError}: an error text that is not our own never reaches a
 * line, since a DICOM parser's can carry a patient's name.
 */
export function openLog({ level, format }: LogSettings, destination: DestinationStream, terminal: boolean): Log {
  const people = format === 'pretty' || (format === 'auto' && terminal);
  const stream = people ? pretty({ destination, sync: true, colorize: terminal, ignore: 'pid,hostname' }) : destination;
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      // A line without words of its own would get the error's.
      hooks: {
        logMethod([first, ...rest], write) {
          write.apply(this, typeof first === 'object' && rest.length === 0 ? [first, ''] : [first, ...rest]);
        },
      },
      redact: { paths: SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    stream,
  );
}

/** What may be told of an error: our code, sentence and facts; of a foreign one its class and where in the code it rose. */
export function describeError(error: unknown): object {
  if (error instanceof Fault) {
    const { code, facts, cause } = error;
    return {
      code,
      message: CATALOGUE[code].sentence,
      facts,
      ...(cause === undefined ? {} : { cause: describeError(cause) }),
    };
  }
  if (!(error instanceof Error)) return { class: typeof error };
  const errno =
    'code' in error && typeof error.code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(error.code)
      ? error.code
      : undefined;
  return { class: error.constructor.name, ...(errno && !isCode(errno) && { errno }), at: framesOf(error) };
}

/** The stack without its head, which repeats the message; a message of several lines could pose as more of it. */
function framesOf({ stack = '' }: Error): string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^at [\w.<>[\] ]* ?\(?(file:|node:|\/)[^()]*:\d+:\d+\)?$/.test(line))
    .slice(0, 6);
}
