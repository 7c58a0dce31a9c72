import { z } from 'zod';
import { approvalSchema } from './approval.js';
import { collectSchema, joinSchema, rekeySchema, renewSchema } from './enrolment.js';
import { rosterSchema } from './roster.js';
import { studyDocumentSchema } from './study.js';
import { updateStatementSchema } from './update.js';

/** Everything that is signed, by the word in its payload type. A plan's own schema is @consilium/round's. */
export const DOCUMENT_SCHEMAS = {
  roster: rosterSchema,
  plan: z.unknown(),
  study: studyDocumentSchema,
  approval: approvalSchema,
  update: updateStatementSchema,
  join: joinSchema,
  collect: collectSchema,
  renew: renewSchema,
  rekey: rekeySchema,
} as const;

export type DocumentType = keyof typeof DOCUMENT_SCHEMAS;
export type DocumentOf<T extends DocumentType> = z.infer<(typeof DOCUMENT_SCHEMAS)[T]>;

/** The payload type of DSSE: a signature over one type of document is none over another. */
export const payloadTypeOf = (type: DocumentType): string => `application/vnd.consilium.${type}+json`;
