/** Environment variables as they are given: only `main.ts` touches `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variable → the setting that it stands for, one or two keys deep. */
export type Overrides = Readonly<Record<string, readonly [string, string?]>>;

/**
 * A settings document with the environment's overrides laid over it; the document itself is left as it was, and nothing
 * is checked or printed. An empty variable counts as absent. What is no mapping comes back as it is, for the schema to
 * refuse; nothing at all counts as an empty mapping.
 *
 * @param read what a variable's text means at its path; the text itself unless said otherwise
 */
export function withOverrides(
  document: unknown,
  env: Environment,
  overrides: Overrides,
  read: (text: string, path: readonly [string, string?]) => unknown = (text) => text,
): unknown {
  const settings = document ?? {};
  if (!isMapping(settings)) return settings;
  const result: Record<string, unknown> = { ...settings };
  for (const [name, path] of Object.entries(overrides)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const [section, key] = path;
    const value = read(text, path);
    result[section] =
      key === undefined ? value : { ...(isMapping(result[section]) ? result[section] : {}), [key]: value };
  }
  return result;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
