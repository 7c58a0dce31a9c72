import { Fault } from './fault.js';

/** A string that was checked to be an id of its kind; only the parsers below make one. */
export type Branded<Kind extends string> = string & { readonly __kind: Kind };

/** The name of a site in its federation: lower-case letters, digits and inner hyphens, 1–63 characters (a DNS label, RFC 1123). */
export type SiteName = Branded<'SiteName'>;
/** The name of a study, of the same form. */
export type StudyName = Branded<'StudyName'>;
/** A run's id, minted by the coordinator. */
export type RunId = Branded<'RunId'>;
/** SHA-256 in 64 lower-case hexadecimal digits. */
export type Digest = Branded<'Digest'>;

export const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const DIGEST_PATTERN = /^[0-9a-f]{64}$/;
export const RUN_ID_PATTERN = /^run-[0-9a-z]{10,26}$/;

const parser =
  <T extends string>(kind: string, pattern: RegExp) =>
  (text: string): T => {
    if (!pattern.test(text)) throw new Fault('REQUEST_INVALID', { field: kind, expected: pattern.source });
    return text as T;
  };

export const siteName = parser<SiteName>('site name', NAME_PATTERN);
export const studyName = parser<StudyName>('study name', NAME_PATTERN);
export const runId = parser<RunId>('run id', RUN_ID_PATTERN);
export const digest = parser<Digest>('SHA-256 digest', DIGEST_PATTERN);
