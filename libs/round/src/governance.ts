import { z } from 'zod';
import { isJurisdiction } from './jurisdiction.js';
import { line } from './visible-text.js';

/**
 * On what law the processing of health data rests: the pair of GDPR articles 6 and 9, or the clause of the HIPAA
 * Privacy Rule. `national-law` is for what neither names; the ethics approval then says which.
 */
export const LEGAL_BASES = [
  'gdpr-6-1-a-9-2-a',
  'gdpr-6-1-e-9-2-j',
  'gdpr-6-1-f-9-2-j',
  'hipaa-45-164-512-i',
  'hipaa-45-164-508',
  'national-law',
] as const;

/** DICOM's Modality (0008,0060) of the images: CR and DX are told as XR, anything else as OT. */
export const MODALITIES = ['CT', 'MG', 'US', 'MR', 'XR', 'PT', 'OT'] as const;

/** Why and where patients' data may be used: what a hospital's lawyers and ethics board decided about. */
export const governanceSchema = z.strictObject({
  legalBasis: z.enum(LEGAL_BASES),
  /** The approval of an ethics board, good through the end (UTC) of the day `expires`. */
  ethics: z.strictObject({ number: line, authority: line, expires: z.iso.date() }),
  /** ISO 3166-1 alpha-2: a site anywhere else takes no part. */
  jurisdictions: z
    .array(z.string().refine(isJurisdiction, 'a country’s code of ISO 3166-1 alpha-2, as DE'))
    .min(1)
    .max(249)
    .refine((codes) => new Set(codes).size === codes.length, 'countries, each once')
    .meta({ uniqueItems: true }),
  /** What each site promises about its data; the agent checks it before it approves. */
  dataContract: z.strictObject({
    modality: z.enum(MODALITIES),
    /** Fewer patients than this at a site, and it takes no part. */
    minPatients: z.int().min(1).max(1_000_000),
    deidentified: z.literal(true),
  }),
});

export type Governance = z.infer<typeof governanceSchema>;
