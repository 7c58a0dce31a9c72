import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { Fault, NAME_PATTERN, parseShape, withOverrides, type Overrides } from '@consilium/stdx';
import { parse } from 'yaml';
import { z } from 'zod';

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
  grpc: z.strictObject({ host: host.default('0.0.0.0'), port: port.default(7443) }).prefault({}),
  /** Where people and the command line connect. Plain HTTP, so it stays on loopback unless `allowRemote` says otherwise. */
  http: z
    .strictObject({
      host: host.default('127.0.0.1'),
      port: port.default(7480),
      allowRemote: z.boolean().default(false),
    })
    .prefault({})
    .refine(({ host, allowRemote }) => allowRemote || isLoopback(host), {
      path: ['host'],
      message: 'a loopback address, or http.allowRemote: true behind a proxy that speaks TLS',
    }),
  tls: z.strictObject({ ca: path, certificate: path, privateKey: path }),
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

export interface Settings extends Omit<z.infer<typeof settingsSchema>, 'database'> {
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
  const { database, tls, ...rest } = settings;
  return {
    ...rest,
    state: from(settings.state),
    tls: { ca: from(tls.ca), certificate: from(tls.certificate), privateKey: from(tls.privateKey) },
    databaseUrl: await databaseUrl(database, env['DATABASE_URL'], from),
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
  const named = fromEnv || (urlFile ? await readSecret(from(urlFile)) : url);
  if (named === undefined) return undefined;
  if (!/^postgres(ql)?:\/\//.test(named)) {
    throw new Fault('SETTINGS_INVALID', { path: 'database.url', expected: 'a URL that starts with postgresql://' });
  }
  return named;
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Fault('SETTINGS_INVALID', { path: 'database.urlFile', expected: 'a readable file' }, error);
  }
}

/** 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291) and the name that RFC 6761 reserves for them. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
