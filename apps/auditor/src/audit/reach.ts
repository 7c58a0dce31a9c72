import { pathOn } from '../bundle/bundle.js';
import type { Dossier } from './dossier.js';
import { referencesOf } from './references.js';

/** Marks every file that an entry of a verified log leads to, and names the documents that should be there and are not. */
export function reachFiles({ coordinator, sites, files, findings }: Dossier): void {
  const told = new Set<string>();
  for (const { records } of [coordinator, ...sites.values()]) {
    for (const record of records) {
      for (const { shelf, digest, need } of referencesOf(record)) {
        files.reach(pathOn(shelf, digest));
        if (need !== 'due' || files.has(shelf, digest) || told.has(digest)) continue;
        told.add(digest);
        const missed = findings.list.some(
          ({ code, expected }) => code === 'DOCUMENT_MISSING' && expected.includes(digest),
        );
        if (!missed) findings.add('DOCUMENT_MISSING', record.ref, digest, 'no such file');
      }
    }
  }
}
