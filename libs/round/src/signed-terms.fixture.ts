import type { Digest } from '@consilium/stdx';
import type { Governance } from './governance.js';
import type { RosterKeys } from './signed-terms.js';

/** 32 equal bytes as base64. */
export const keyOf = (byte: number): string => btoa(String.fromCharCode(...new Uint8Array(32).fill(byte)));

export const governance = (): Governance => ({
  legalBasis: 'gdpr-6-1-e-9-2-j',
  ethics: { number: 'EK 12/2026', authority: 'Ethics board of Aarhus', expires: '2027-06-30' },
  jurisdictions: ['DE', 'DK'],
  dataContract: { modality: 'CT', minPatients: 50, deidentified: true },
});

/** The sites of `smallPlan`, and one that it does not ask. */
export const rosterKeys = (): RosterKeys => ({
  version: 3,
  digest: 'ab'.repeat(32) as Digest,
  coordinator: { signing: keyOf(9) },
  sites: [
    { name: 'aarhus', signing: keyOf(1), jurisdiction: 'DK' },
    { name: 'berlin', signing: keyOf(2), jurisdiction: 'DE' },
    { name: 'constructor', signing: keyOf(3), jurisdiction: 'DE' },
    { name: 'oslo', signing: keyOf(4), jurisdiction: 'NO' },
  ],
});
