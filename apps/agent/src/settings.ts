import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isJurisdiction } from '@consilium/round';
import {
  ENGINES,
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

/** Who decides at a hospital: who runs the agent, and who answers for the patients' data. */
export const APPROVER_ROLES = ['operator', 'data-protection-officer'] as const;
/** 32 bytes as base64. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

export const settingsSchema = z.strictObject({
  site: name.transform((text) => text as SiteName),
  federation: name,
  /** Whose law binds this site, as a country of ISO 3166-1 alpha-2: a plan that does not list it is refused. */
  jurisdiction: z.string().refine(isJurisdiction, 'a country’s code of ISO 3166-1 alpha-2, as DE'),
  /** Directory of the log, the documents, the outbox, the lock and the control socket. */
  state: file,
  /** Directory of the keys and certificates that `agent join` made; `identity` in the state directory if left away. */
  identity: file.optional(),
  coordinator: z.strictObject({
    address: z.string().regex(/^[^\s/]+:\d{1,5}$/, 'host:port'),
  }),
  /** Study → folder of images. A study that is not named here is not taken part in. */
  datasets: z.record(name, file).default({}),
  /** `auto`: the fastest that npm alone brings and that computes right gradients here. */
  engine: z.enum(['auto', ...ENGINES]).default('auto'),
  /** The Python with PyTorch that the engine `torch` runs; CONSILIUM_PYTHON stands for it too. */
  python: file.optional(),
  /** `off` lets training run without the kernel cutting it off from the network; the log records it. */
  sandbox: z.enum(['on', 'off']).default('on'),
  approve: z.enum(['manual', 'auto']).default('manual'),
  /**
   * The people whose signatures an approval of this site carries, and no others: whoever runs the coordinator cannot
   * add one. With `approve: manual` at least one must stand here.
   */
  approvers: z
    .array(z.strictObject({ role: z.enum(APPROVER_ROLES), signing: z.string().regex(PUBLIC_KEY, 'a public key') }))
    .max(16)
    .refine((all) => new Set(all.map(({ signing }) => signing)).size === all.length, 'each key once')
    .default([]),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['auto', 'json', 'pretty']).default('auto'),
    })
    .prefault({}),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>> & { readonly identity: string };

/** Environment variables that override the file, and the setting each of them stands for. */
const OVERRIDES = {
  CONSILIUM_STATE: ['state'],
  CONSILIUM_IDENTITY: ['identity'],
  CONSILIUM_COORDINATOR_ADDRESS: ['coordinator', 'address'],
  CONSILIUM_ENGINE: ['engine'],
  CONSILIUM_PYTHON: ['python'],
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
  const { state, identity = join(state, 'identity'), datasets } = settings;
  return Object.freeze({
    ...settings,
    state: at(state),
    identity: at(identity),
    datasets: Object.fromEntries(Object.entries(datasets).map(([study, path]) => [study, at(path)])),
  });
}
