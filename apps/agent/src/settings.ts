import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  Fault,
  NAME_PATTERN,
  parseShape,
  withOverrides,
  type Environment,
  type Overrides,
  type SiteName,
} from '@consilium/stdx';
import { parse } from 'yaml';
import { z } from 'zod';

/**
 * The site's settings file: where things are and what this machine may do. Everything that changes what is computed or
 * what leaves stands in the plan instead, and is approved there. Secrets stand in files of their own, named here.
 */
const name = z.string().regex(NAME_PATTERN, 'a name of lower-case letters, digits and hyphens');
const file = z.string().min(1);

export const settingsSchema = z.strictObject({
  site: name.transform((text) => text as SiteName),
  federation: name,
  /** Directory of the journal, the lock and the control socket. */
  state: file,
  coordinator: z.strictObject({
    address: z.string().regex(/^[^\s/]+:\d{1,5}$/, 'host:port'),
    /** SHA-256 of the coordinator's public key in 64 hexadecimal digits: then no other key is believed. */
    pin: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
      .optional(),
  }),
  tls: z.strictObject({ ca: file, certificate: file, privateKey: file }),
  /** Study → folder of images. A study that is not named here is not taken part in. */
  datasets: z.record(name, file).default({}),
  engine: z.enum(['auto', 'wasm', 'cpu']).default('auto'),
  /** `off` lets training run without the kernel cutting it off from the network; the journal records it. */
  sandbox: z.enum(['on', 'off']).default('on'),
  approve: z.enum(['manual', 'auto']).default('manual'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['auto', 'json', 'pretty']).default('auto'),
    })
    .prefault({}),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;

/** Environment variables that override the file, and the setting each of them stands for. */
const OVERRIDES = {
  CONSILIUM_STATE: ['state'],
  CONSILIUM_COORDINATOR_ADDRESS: ['coordinator', 'address'],
  CONSILIUM_COORDINATOR_PIN: ['coordinator', 'pin'],
  CONSILIUM_TLS_CA: ['tls', 'ca'],
  CONSILIUM_TLS_CERTIFICATE: ['tls', 'certificate'],
  CONSILIUM_TLS_PRIVATE_KEY: ['tls', 'privateKey'],
  CONSILIUM_ENGINE: ['engine'],
  CONSILIUM_SANDBOX: ['sandbox'],
  CONSILIUM_APPROVE: ['approve'],
  CONSILIUM_LOG_LEVEL: ['log', 'level'],
  CONSILIUM_LOG_FORMAT: ['log', 'format'],
} as const satisfies Overrides;

/**
 * Reads the settings file. Throws SETTINGS_UNREADABLE, or SETTINGS_INVALID with the path of the setting, what was
 * expected and what kind of thing came, never its value. Relative paths count from the file's own folder.
 */
export async function readSettings(path: string, env: Environment): Promise<Settings> {
  let document: unknown;
  try {
    document = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Fault('SETTINGS_UNREADABLE', {}, error);
  }
  return parseSettings(document, env, dirname(resolve(path)));
}

export function parseSettings(document: unknown, env: Environment, folder: string): Settings {
  const settings = parseShape(settingsSchema, withOverrides(document, env, OVERRIDES), 'SETTINGS_INVALID');
  const at = (path: string): string => resolve(folder, path);
  const { tls, datasets } = settings;
  return Object.freeze({
    ...settings,
    state: at(settings.state),
    tls: { ca: at(tls.ca), certificate: at(tls.certificate), privateKey: at(tls.privateKey) },
    datasets: Object.fromEntries(Object.entries(datasets).map(([study, path]) => [study, at(path)])),
  });
}
