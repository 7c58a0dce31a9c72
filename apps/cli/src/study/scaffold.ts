import { dirname, join } from 'node:path';
import { planJsonSchema } from '@consilium/round';
import { Fault, studyName, type StudyName } from '@consilium/stdx';
import { exists, writeFileWhole } from '../files.js';
import type { TemplateName } from './template-names.js';
import { studyText } from './study-file.js';
import { templateText, templateValue } from './templates.js';

export const SCHEMA_FILE = 'plan.schema.json';

/** The line by which editors with the YAML language server find the schema and complete the plan's fields. */
export const SCHEMA_LINE = `# yaml-language-server: $schema=./${SCHEMA_FILE}`;

/** The plan's JSON Schema (2020-12) as a file's text. */
export const schemaText = (): string => `${JSON.stringify(planJsonSchema(), null, 2)}\n`;

/** The template with the study's name in it and the schema's line on top; its comments stay. */
export function scaffoldText(template: string, study: StudyName): string {
  const body = template.replace(/^# yaml-language-server:.*\n/m, '').replace(/^study:.*$/m, `study: ${study}`);
  return `${SCHEMA_LINE}\n${body}`;
}

/** The study's file beside a plan's: `mine.study.yaml` beside `mine.yaml`. */
export const studyFileOf = (plan: string): string => `${plan.replace(/\.(?:ya?ml|json)$/, '')}.study.yaml`;

/**
 * Writes a plan, its study and the plan's schema beside each other. Faults: REQUEST_INVALID for a name that no study may
 * have, ALREADY_EXISTS where a file is there already.
 */
export async function scaffold(
  name: string,
  template: TemplateName,
  file: string,
): Promise<{ plan: string; study: string; schema: string }> {
  const study = studyName(name);
  const studyFile = studyFileOf(file);
  if ((await exists(file)) || (await exists(studyFile))) throw new Fault('ALREADY_EXISTS', { study });
  const schema = join(dirname(file), SCHEMA_FILE);
  await writeFileWhole(schema, schemaText());
  await writeFileWhole(studyFile, studyText(await templateValue(template)));
  await writeFileWhole(file, scaffoldText(await templateText(template), study));
  return { plan: file, study: studyFile, schema };
}
