import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { Fault, NAME_PATTERN, parseShape, withOverrides, type Overrides } from '@consilium/stdx';
import { parse } from 'yaml';
import { z } from 'zod';
import type { OidcSettings } from './people/oidc-provider.js';

/**
 * What changes speed, paths and addresses of the coordinator. What changes a result or a guarantee stands in the plan.
 * One YAML file; the environment overrides it; secrets are read from files that it names.
 */
const path = z.string().min(1, 'a path');
const port = z.int('a port from 0 to 65535').min(0).max(65_535);
const host = z.string().min(1, 'a host name or IP address');

const settingsSchema = z.strictObject({
  federation: z.string().regex(NAME_PATTERN, 'a federation name of lower-case letters, digits and hyphens'),
  /** The folder with everything that must survive: database, spool, models, lock and API token. */
  state: path,
  /** Where agents connect, by mutual TLS. */
  grpc: z
    .strictObject({
      host: host.default('0.0.0.0'),
      port: port.default(7443),
      /** HOST:PORT as agents dial it, where that is another one: behind a name, a proxy that passes TCP on, or NAT. */
      advertise: z
        .string()
        .regex(/^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$/, 'HOST:PORT')
        .optional(),
    })
    .prefault({}),
  /** Where people and the command line connect. Plain HTTP, so it stays on loopback unless `allowRemote` says otherwise. */
  http: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: port.default(7480),
      allowRemote: z.boolean().default(false),
      /** The address at which browsers find it, where that is a proxy's: https://… */
      publicUrl: z
        .string()
        .refine((text) => isWebAddress(text), 'an https address without a path, or http on a loopback address')
        .optional(),
      /** Whether a proxy stands in front and writes X-Forwarded-For; else everybody could write it. */
      forwardedFor: z.boolean().default(false),
      /** Whether the state's file `api-token` opens the API, for scripts on this machine and the first admin. */
      machineToken: z.boolean().default(true),
    })
    .prefault({})
    .refine(({ host, allowRemote }) => allowRemote || isLoopback(host), {
      path: ['host'],
      message: 'a loopback address, or http.allowRemote: true behind a proxy that speaks TLS',
    }),
  /** The folder that `consilium ca issue-coordinator` made: root, intermediate, signing key and roster. */
  identity: path,
  /** How people log in. */
  people: z
    .strictObject({
      /** Through an OpenID Connect provider. */
      oidc: z
        .strictObject({
          issuer: z.string().refine((text) => isIssuer(text), 'an https address, or http on a loopback address'),
          clientId: z.string().min(1).max(200),
          clientSecretFile: path.optional(),
          scopes: z
            .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'a scope'))
            .default(['openid', 'profile']),
        })
        .refine(({ scopes }) => scopes.includes('openid'), { path: ['scopes'], message: 'openid among them' })
        .optional(),
      /** With accounts of this coordinator: a password and one-time codes. */
      local: z.boolean().default(true),
    })
    .prefault({}),
  /** PostgreSQL, by URL or by a file that holds it; without either the embedded database. */
  database: z
    .strictObject({ url: z.string().optional(), urlFile: path.optional() })
    .prefault({})
    .refine(({ url, urlFile }) => url === undefined || urlFile === undefined, 'url or urlFile, not both'),
  /** Plans whose model is larger are refused. */
  modelBytesMax: z
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(2 ** 28),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
      /** `auto`: JSON unless a terminal looks. */
      format: z.enum(['auto', 'json', 'pretty']).default('auto'),
    })
    .prefault({}),
});

export interface Settings extends Omit<z.infer<typeof settingsSchema>, 'database' | 'people'> {
  readonly people: { readonly local: boolean; readonly oidc: OidcSettings | undefined };
  /** Undefined for the embedded database. A secret. */
  readonly databaseUrl: string | undefined;
}

/** Environment variable → the setting it overrides. */
const OVERRIDES: Overrides = {
  CONSILIUM_FEDERATION: ['federation'],
  CONSILIUM_STATE: ['state'],
  CONSILIUM_GRPC_HOST: ['grpc', 'host'],
  CONSILIUM_GRPC_PORT: ['grpc', 'port'],
  CONSILIUM_HTTP_HOST: ['http', 'host'],
  CONSILIUM_HTTP_PORT: ['http', 'port'],
  CONSILIUM_LOG_LEVEL: ['log', 'level'],
  CONSILIUM_LOG_FORMAT: ['log', 'format'],
};

/**
 * Reads the settings file; relative paths in it are relative to it. Faults: SETTINGS_UNREADABLE, and SETTINGS_INVALID
 * with the path of the setting and never its value.
 */
export async function readSettings(file: string, env: NodeJS.ProcessEnv): Promise<Settings> {
  const folder = dirname(resolve(file));
  const settings = parseShape(
    settingsSchema,
    withOverrides(await readYaml(file), env, OVERRIDES, readOverride),
    'SETTINGS_INVALID',
  );
  const from = (name: string): string => resolve(folder, name);
  const { database, people, ...rest } = settings;
  return {
    ...rest,
    state: from(settings.state),
    identity: from(settings.identity),
    databaseUrl: await databaseUrl(database, env['DATABASE_URL'], from),
    people: { local: people.local, oidc: people.oidc && (await readOidc(people.oidc, from)) },
  };
}

async function readYaml(file: string): Promise<unknown> {
  try {
    const document: unknown = parse(await readFile(file, 'utf8'));
    // What is no mapping holds no setting: what is missing is then told by its path.
    return typeof document === 'object' && !Array.isArray(document) ? document : {};
  } catch (error) {
    throw new Fault('SETTINGS_UNREADABLE', {}, error);
  }
}

const readOverride = (text: string, path: readonly (string | undefined)[]): unknown =>
  path.at(-1) === 'port' ? Number(text) : text;

async function databaseUrl(
  { url, urlFile }: { url?: string | undefined; urlFile?: string | undefined },
  fromEnv: string | undefined,
  from: (name: string) => string,
): Promise<string | undefined> {
  const named = fromEnv || (urlFile ? await readSecret(from(urlFile), 'database.urlFile') : url);
  if (named === undefined) return undefined;
  if (!/^postgres(ql)?:\/\//.test(named)) {
    throw new Fault('SETTINGS_INVALID', { path: 'database.url', expected: 'a URL that starts with postgresql://' });
  }
  return named;
}

async function readSecret(file: string, setting: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Fault('SETTINGS_INVALID', { path: setting, expected: 'a readable file' }, error);
  }
}

async function readOidc(
  { issuer, clientId, scopes, clientSecretFile: file }: NonNullable<z.infer<typeof settingsSchema>['people']['oidc']>,
  from: (name: string) => string,
): Promise<OidcSettings> {
  const clientSecret = file === undefined ? undefined : await readSecret(from(file), 'people.oidc.clientSecretFile');
  return { issuer, clientId, scopes, clientSecret };
}

/** Passwords and codes go there: by TLS, or not beyond this machine. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash } = new URL(text);
  return !search && !hash && (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)));
}

const isWebAddress = (text: string): boolean => isIssuer(text) && new URL(text).pathname === '/';

/** 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291) and the name that RFC 6761 reserves for them. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
