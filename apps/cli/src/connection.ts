import { join } from 'node:path';
import { Fault, parseShape } from '@consilium/stdx';
import { z } from 'zod';
import type { Connection } from './api/coordinator.js';
import { DEFAULT_STATE } from './defaults.js';

export interface ConnectionOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly state?: string;
}

/** Reads a small text file; `undefined` where there is none. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** What `consilium up` leaves in `STATE/run/api.json` (mode 600) for the other commands. */
export const apiFileShape = z.object({ url: z.url(), tokenFile: z.string().min(1) });
export const apiFilePath = (state: string): string => join(state, 'run', 'api.json');

/** The logins of this person, by `consilium login`. */
export interface PersonsLogins {
  /** The coordinator that was logged in to last. */
  current(): Promise<string | undefined>;
  has(url: string): Promise<boolean>;
  /** An access token that is good now. */
  token(url: string): Promise<string>;
}

const NO_LOGINS: PersonsLogins = {
  current: async () => undefined,
  has: async () => false,
  token: async () => Promise.reject(new Fault('LOGIN_REQUIRED')),
};

/**
 * Finds the coordinator and what opens it. A token that was named (`--token-file`, CONSILIUM_TOKEN_FILE or
 * CONSILIUM_TOKEN) comes first, then the person's login, then what `consilium up` left in the state directory. Neither of
 * the last two is ever sent to another address than its own.
 */
export async function resolveConnection(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  readText: ReadText,
  logins: PersonsLogins = NO_LOGINS,
): Promise<Connection> {
  const left = await leftByUp(options.state ?? env['CONSILIUM_STATE'] ?? DEFAULT_STATE, readText);
  const url = await resolveUrl(options, env, left?.url, logins);
  const tokenFile = options.tokenFile ?? (env['CONSILIUM_TOKEN_FILE'] || undefined);
  if (tokenFile !== undefined) return { url, token: await readToken(tokenFile, readText) };
  if (env['CONSILIUM_TOKEN']) return { url, token: checkedToken(env['CONSILIUM_TOKEN']) };
  if (await logins.has(url)) return { url, token: () => logins.token(url) };
  if (left && new URL(left.url).origin === new URL(url).origin)
    return { url, token: await readToken(left.tokenFile, readText) };
  throw new Fault('LOGIN_REQUIRED');
}

/** The address for commands that need no token yet, such as `consilium login`. */
export async function resolveAddress(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  readText: ReadText,
  logins: PersonsLogins = NO_LOGINS,
): Promise<string> {
  const left = await leftByUp(options.state ?? env['CONSILIUM_STATE'] ?? DEFAULT_STATE, readText);
  return resolveUrl(options, env, left?.url, logins);
}

async function resolveUrl(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  left: string | undefined,
  logins: PersonsLogins,
): Promise<string> {
  // Who names a state directory means the federation in it.
  const meant = options.state !== undefined || env['CONSILIUM_STATE'] ? left : undefined;
  const url = options.url ?? (env['CONSILIUM_URL'] || undefined) ?? meant ?? (await logins.current()) ?? left;
  if (url === undefined) {
    throw new Fault('SETTINGS_INVALID', {
      setting: '--url or CONSILIUM_URL',
      expected: 'the coordinator’s address, or a state directory where `consilium up` runs',
    });
  }
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw new Fault('SETTINGS_INVALID', { setting: '--url', expected: 'an http or https address' });
  return url;
}

async function leftByUp(state: string, readText: ReadText): Promise<z.infer<typeof apiFileShape> | undefined> {
  const text = await readText(apiFilePath(state));
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault('STATE_UNREADABLE', { file: 'run/api.json' }, error);
  }
  return parseShape(apiFileShape, value, 'STATE_UNREADABLE');
}

async function readToken(path: string, readText: ReadText): Promise<string> {
  const text = await readText(path);
  if (text === undefined)
    throw new Fault('SETTINGS_INVALID', { setting: '--token-file', expected: 'a file that can be read' });
  return checkedToken(text.trim());
}

/** RFC 6750 §2.1; anything else could break out of the header. */
function checkedToken(token: string): string {
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new Fault('SETTINGS_INVALID', { setting: 'token', expected: 'a bearer token (RFC 6750)' });
  return token;
}
