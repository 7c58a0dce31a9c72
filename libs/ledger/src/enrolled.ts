import { Fault } from '@consilium/stdx';
import type { LedgerEntry } from './entry.js';

/**
 * Refuses an entry that names a site which is not enrolled, with LEDGER_ID_NOT_ENROLLED. A medical record number may
 * have the form of a site's name, but nobody enrolled it. The fact names the type and field, never the value.
 */
export function requireEnrolled(entry: Omit<LedgerEntry, 'v' | 'at' | 'salt'>, sites: ReadonlySet<string>): void {
  const fields: Readonly<Record<string, unknown>> = { ...entry };
  for (const field of SITE_FIELDS) {
    const value = fields[field];
    const names = Array.isArray(value) ? value : value == null ? [] : [value];
    if (!names.every((name) => sites.has(name as string)))
      throw new Fault('LEDGER_ID_NOT_ENROLLED', { type: entry.type, field });
  }
}

/** All fields in which an entry can name sites; a test holds the schemas against this list. */
const SITE_FIELDS = ['site', 'participants', 'contributors'] as const;
