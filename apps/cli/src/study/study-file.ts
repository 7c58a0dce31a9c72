import { governanceSchema } from '@consilium/round';
import { Fault, NAME_PATTERN, parseShape } from '@consilium/stdx';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { NewStudy } from '../api/shapes.js';
import { readPlanFile } from './plan-file.js';

const sites = z
  .array(z.string().regex(NAME_PATTERN, 'a site name of lower-case letters, digits and hyphens'))
  .min(1)
  .max(1000);
const words = { title: z.string().min(1).max(200), purpose: z.string().min(1).max(2000) };

const studyShape = z.strictObject({ ...words, ...governanceSchema.shape, sites });
/** A plan that says under which governance it runs says all that its study does. */
const planShape = z.object({ schema: z.literal('consilium.plan/1'), ...words, governance: governanceSchema, sites });

/**
 * Reads a study from its file (YAML or JSON), or from the file of a plan with governance. Faults: PLAN_UNREADABLE;
 * REQUEST_INVALID with the path, its line, what was expected and what came.
 */
export async function readStudyFile(file: string): Promise<Omit<NewStudy, 'name'>> {
  const { value, lineOf } = await readPlanFile(file);
  try {
    if (!isPlan(value)) return parseShape(studyShape, value, 'REQUEST_INVALID');
    const { title, purpose, governance, sites: asked } = parseShape(planShape, value, 'REQUEST_INVALID');
    return { title, purpose, ...governance, sites: asked };
  } catch (error) {
    if (!Fault.is(error, 'REQUEST_INVALID')) throw error;
    const line = lineOf(String(error.facts['path']));
    throw new Fault('REQUEST_INVALID', { ...error.facts, ...(line !== undefined && { line }) }, error.cause);
  }
}

const isPlan = (value: unknown): boolean => typeof value === 'object' && value !== null && 'schema' in value;

/** A study's file to start from, with the words of a plan's template. */
export function studyText(template: unknown): string {
  const { title, purpose, governance, sites: asked } = parseShape(planShape, template, 'REQUEST_INVALID');
  const { legalBasis, ethics, jurisdictions, dataContract } = governance;
  const part = (value: object): string => stringify(value, { lineWidth: 110 });
  return [
    '# A study: what patients’ data are used for, on what law, and where. Hospitals decide on it, the coordinator signs it,',
    '# and every plan of it repeats it. `consilium study create NAME --file FILE` registers it; it never changes then.',
    part({ title, purpose }),
    '# gdpr-6-1-a-9-2-a (consent), gdpr-6-1-e-9-2-j (public interest, research), gdpr-6-1-f-9-2-j, hipaa-45-164-512-i',
    '# (waiver), hipaa-45-164-508 (authorisation) or national-law.',
    part({ legalBasis }),
    '# The approval of an ethics board, good through the end (UTC) of its last day: after it, no run starts.',
    part({ ethics }),
    '# The countries (ISO 3166-1 alpha-2) in which hospitals may take part.',
    part({ jurisdictions }),
    '# The hospitals that plans of this study may ask.',
    part({ sites: asked }),
    '# What each hospital promises of its data. modality: CT, MG, US, MR, XR, PT or OT.',
    part({ dataContract }),
  ].join('\n');
}
