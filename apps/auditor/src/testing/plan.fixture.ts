import { encodePublicKey } from '@consilium/identity';
import { parsePlan, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { FEDERATION, type Parties } from './parties.fixture.js';

/** A plan of two rounds over 8 × 8 images: 21 parameters, so that updates are small and flips of a bit are spread. */
export function smallPlan({ roster, rosterDigest, sites }: Parties, changes: object = {}): SignedPlan {
  return requireSignedTerms(
    parsePlan({
      schema: 'consilium.plan/1',
      study: 'lung-nodule',
      title: 'Nodule or not',
      purpose: 'Shows an audit.',
      federation: FEDERATION,
      sites: [...sites.keys()],
      task: { kind: 'binary-classification', classes: ['benign', 'malignant'] },
      preprocessing: { size: [8, 8], normalise: 'per-image' },
      model: {
        layers: [
          { type: 'input', name: 'image', shape: [8, 8, 1] },
          { type: 'conv2d', name: 'conv', filters: 2, kernel: [3, 3] },
          { type: 'global-average-pool', name: 'pool' },
          { type: 'dense', name: 'logit', units: 1 },
        ],
      },
      training: {
        loss: 'binary-cross-entropy',
        optimizer: { type: 'sgd', learningRate: 0.01 },
        batchSize: 4,
        localSteps: 2,
      },
      rounds: { count: 2, minSites: 2, deadlineSeconds: 600 },
      aggregation: { method: 'fedavg', normBound: 10 },
      privacy: { mode: 'plain' },
      audit: { retainUpdates: true },
      seed: 7,
      governance: {
        legalBasis: 'gdpr-6-1-e-9-2-j',
        ethics: { number: 'EK 12/2026', authority: 'Ethics board of Aarhus', expires: '2027-06-30' },
        jurisdictions: ['DE'],
        dataContract: { modality: 'CT', minPatients: 10, deidentified: true },
      },
      roster: {
        version: roster.version,
        digest: rosterDigest,
        coordinator: roster.coordinator.signing,
        sites: Object.fromEntries([...sites].map(([name, { key }]) => [name, encodePublicKey(key.publicKey)])),
      },
      ...changes,
    }),
  );
}
