import { join } from 'node:path';

/**
 * Where this person's logins are kept: CONSILIUM_CONFIG, else what the system sets aside for settings (XDG Base Directory
 * Specification; APPDATA on Windows). Never in the state directory, which may be shared or copied. Undefined where
 * nothing says it, as in a container that has no home: there are no logins then.
 */
export function configFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env['CONSILIUM_CONFIG']) return env['CONSILIUM_CONFIG'];
  const base = env['XDG_CONFIG_HOME'] || env['APPDATA'] || (env['HOME'] && join(env['HOME'], '.config'));
  return base ? join(base, 'consilium') : undefined;
}
