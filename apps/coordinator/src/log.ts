import type { LoggerService } from '@nestjs/common';
import { describe, Fault } from '@consilium/stdx';
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  readonly format: 'auto' | 'json' | 'pretty';
  /** Strings that must never stand in a line, such as the API token; whoever learns another one adds it. */
  readonly secrets?: ReadonlySet<string>;
  /** Standard output unless a test looks. */
  readonly destination?: DestinationStream & { readonly isTTY?: boolean };
}

/** One JSON line for each event, or readable lines when a terminal looks. Whatever the line, known secrets are not in it. */
export async function openLog(options: LogOptions): Promise<Log> {
  const redact = redactor(options.secrets ?? new Set());
  const settings = {
    level: options.level,
    base: {},
    redact: { paths: ['req.headers.authorization', 'headers.authorization', '*.privateKey', '*.token', '*.password'] },
    serializers: { err: tellError },
    // After serialisation, so that no way into the line is left out.
    hooks: { streamWrite: redact },
  };
  const destination = options.destination ?? process.stdout;
  const readable = options.format === 'pretty' || (options.format === 'auto' && destination.isTTY === true);
  if (!readable) return pino(settings, destination);
  const { prettyFactory } = await import('pino-pretty');
  const toLines = prettyFactory({
    colorize: destination.isTTY === true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  });
  return pino(settings, { write: (line) => destination.write(toLines(line)) });
}

/** Passwords in database URLs, private keys and people's tokens have a form that can be told without knowing them. */
const SECRET_FORMS: readonly [RegExp, string][] = [
  [/(postgres(?:ql)?:\/\/[^:/@\s"]*:)[^@\s"]+@/g, '$1[redacted]@'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, '[redacted]'],
  // A JWT's header is JSON, whose first two characters are always these in base64.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, '[redacted]'],
  [/\bconsilium-(?:refresh|setup|join)\.[\w.-]+/g, '[redacted]'],
];

function redactor(secrets: ReadonlySet<string>): (line: string) => string {
  // As it stands inside a JSON string: a secret with a quote or a line break is escaped there.
  const told = (secret: string): string => JSON.stringify(secret).slice(1, -1);
  return (line) => {
    const known = [...secrets].reduce((text, secret) => text.replaceAll(told(secret), '[redacted]'), line);
    return SECRET_FORMS.reduce((text, [form, instead]) => text.replace(form, instead), known);
  };
}

/** The whole chain of causes: this log is where it may be read. */
function tellError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = error.cause === undefined ? {} : { cause: tellError(error.cause) };
  if (error instanceof Fault) return { code: error.code, message: describe(error.code, error.facts), ...cause };
  return { type: error.name, message: error.message, stack: error.stack, ...cause };
}

/** Nest's logger on pino: the context becomes a field. Nest's own start-up lines are detail, hence `debug`. */
export class NestLog implements LoggerService {
  constructor(private readonly pinoLog: Log) {}

  log = (message: unknown, ...rest: unknown[]): void => this.#write('debug', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.#write('warn', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.#write('error', message, rest);
  debug = (message: unknown, ...rest: unknown[]): void => this.#write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]): void => this.#write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]): void => this.#write('fatal', message, rest);

  #write(level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    const context = rest.findLast((item) => typeof item === 'string');
    if (message instanceof Error) this.pinoLog[level]({ context, err: message }, message.message);
    else this.pinoLog[level]({ context }, String(message));
  }
}
