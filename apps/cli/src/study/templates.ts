import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { invariant } from '@consilium/stdx';
import { parsePlanText } from './plan-file.js';
import type { TemplateName } from './template-names.js';

/** A template's YAML text; `src` and `dist` lie equally deep below the program's folder. */
export const templateText = (name: TemplateName): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../templates/${name}.yaml`, import.meta.url)), 'utf8');

/** The template's value, before its defaults are filled in. */
export async function templateValue(name: TemplateName): Promise<Record<string, unknown>> {
  const { value } = parsePlanText(await templateText(name));
  invariant(typeof value === 'object' && value !== null && !Array.isArray(value), 'a template is a mapping');
  return value as Record<string, unknown>;
}
