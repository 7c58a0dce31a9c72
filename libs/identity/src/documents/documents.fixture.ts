import { digestOf, runId, siteName, studyName, utf8 } from '@consilium/stdx';
import {
  encodePublicKey,
  signingKeyFrom,
  type Approval,
  type PersonId,
  type Roster,
  type SoftwareKey,
  type StudyDocument,
  type UpdateStatement,
} from '../index.js';

/** A lawful document of each type, and the keys of a small federation: every test twists one thing of these. */

export const AT = Date.UTC(2026, 2, 1, 12);
export const keyOf = (number: number): SoftwareKey => signingKeyFrom(new Uint8Array(32).fill(number));
export const publicKeyOf = (number: number): string => encodePublicKey(keyOf(number).publicKey);
export const digestNo = (number: number) => digestOf(utf8(`document ${number}`));
export const personNo = (number: number): PersonId => `person-000000000${number}` as PersonId;

const federation = 'demo';
const [berlin, aarhus] = [siteName('berlin'), siteName('aarhus')];
const study = studyName('lung-nodule');
const run = runId('run-0123456789');

export const roster = (): Roster => ({
  schema: 'consilium.roster/1',
  federation,
  version: 1,
  previous: null,
  coordinator: { signing: publicKeyOf(1) },
  sites: [
    { name: aarhus, signing: publicKeyOf(2), jurisdiction: 'DK' },
    { name: berlin, signing: publicKeyOf(3), jurisdiction: 'DE' },
  ],
  people: [
    { person: personNo(1), roles: ['proposer'], signing: publicKeyOf(4) },
    { person: personNo(2), roles: ['admin', 'proposer'], signing: publicKeyOf(5) },
  ],
  issuedMs: AT,
});

export const studyDocument = (): StudyDocument => ({
  schema: 'consilium.study/1',
  name: study,
  title: 'Nodule or not',
  purpose: 'Finds out whether\na small network sees nodules.',
  legalBasis: 'gdpr-6-1-e-9-2-j',
  ethics: { number: 'EK 123/26', authority: 'Ethics board of the Charité', expires: '2027-12-31' },
  jurisdictions: ['DE', 'DK'],
  sites: [aarhus, berlin],
  dataContract: { modality: 'CT', minPatients: 10, deidentified: true },
  createdMs: AT,
});

export const approval = (): Approval => ({
  schema: 'consilium.approval/1',
  federation,
  study,
  plan: digestNo(1),
  run,
  envelope: null,
  site: berlin,
  dataset: digestNo(2),
  by: 'people',
  expiresMs: AT + 86_400_000,
  atMs: AT,
});

export const standing = (): Approval => ({
  ...approval(),
  plan: null,
  run: null,
  envelope: { dataset: digestNo(2), modelFamily: digestNo(3), rounds: 100, expiresMs: AT + 86_400_000 },
});

export const update = (): UpdateStatement => ({
  schema: 'consilium.update/1',
  federation,
  study,
  plan: digestNo(1),
  run,
  round: 3,
  attempt: 1,
  site: berlin,
  model: digestNo(4),
  checkpoint: { size: 17, root: digestNo(5) },
  manifest: digestNo(6),
  sha256: digestNo(7),
  length: 4096,
  examples: 120,
  loss: 0.4375,
  metrics: { auc: 0.75 },
});

const nonce = '00112233445566778899aabbccddeeff';
const csr = 'MAAA';
export const join = () => ({
  schema: 'consilium.join/1' as const,
  federation,
  site: berlin,
  token: digestNo(8),
  csr,
  signing: publicKeyOf(3),
  atMs: AT,
});
export const collect = () => ({ schema: 'consilium.collect/1' as const, federation, site: berlin, atMs: AT, nonce });
export const renew = () => ({ ...collect(), schema: 'consilium.renew/1' as const, csr });
export const rekey = () => ({ ...collect(), schema: 'consilium.rekey/1' as const, csr, signing: publicKeyOf(6) });

export const policy = () => ({
  schema: 'consilium.policy/1',
  federation,
  root: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  coordinator: { signing: publicKeyOf(1) },
  sites: [
    { name: 'aarhus', signing: publicKeyOf(2), approvers: [] },
    { name: 'berlin', signing: publicKeyOf(3), approvers: [{ role: 'operator', signing: publicKeyOf(7) }] },
  ],
  checkpoints: [{ origin: 'demo/site/berlin/2026', size: 12, root: digestNo(5) }],
});
