import { z } from 'zod';
import { ascending, jurisdiction, line, milliseconds, site, study, text } from './fields.js';

/** On what law the use of health data rests: articles 6 and 9 of the GDPR, or 45 CFR 164 (the HIPAA privacy rule). */
export const LEGAL_BASES = [
  /** Consent. */
  'gdpr-6-1-a-9-2-a',
  /** Public interest, scientific research. */
  'gdpr-6-1-e-9-2-j',
  /** Legitimate interests, scientific research. */
  'gdpr-6-1-f-9-2-j',
  /** Waiver by a review board. */
  'hipaa-45-164-512-i',
  /** Authorisation by the patient. */
  'hipaa-45-164-508',
  'national-law',
] as const;

/** DICOM's Modality (0008,0060) of the images: CR and DX are told as XR, anything else as OT. */
export const MODALITIES = ['CT', 'MG', 'US', 'MR', 'XR', 'PT', 'OT'] as const;

/** Why, on what law, where and with whose data: what hospitals decide on before any plan. Signed by the coordinator. */
export const studyDocumentSchema = z.strictObject({
  schema: z.literal('consilium.study/1'),
  name: study,
  title: line,
  purpose: text,
  legalBasis: z.enum(LEGAL_BASES),
  /** Good through the end (UTC) of the day `expires`. */
  ethics: z.strictObject({ number: line, authority: line, expires: z.iso.date() }),
  jurisdictions: z.array(jurisdiction).min(1).max(249).refine(ascending, 'countries in order, each once'),
  sites: z.array(site).min(1).max(1000).refine(ascending, 'site names in order, each once'),
  dataContract: z.strictObject({
    modality: z.enum(MODALITIES),
    minPatients: z.int().min(1).max(1_000_000),
    deidentified: z.literal(true),
  }),
  createdMs: milliseconds,
});

export type StudyDocument = z.infer<typeof studyDocumentSchema>;
