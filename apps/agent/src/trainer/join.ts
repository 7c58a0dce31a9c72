import type { DatasetManifest, SiteData, Split } from '@consilium/dataset';
import { digestOfJson, invariant } from '@consilium/stdx';

/** Several folders' samples as one, in the order given; what the pooled baseline trains on. One folder stays as it is. */
export function joinData(parts: readonly SiteData[]): SiteData {
  const [only, ...others] = parts;
  invariant(only, 'there is at least one folder');
  if (others.length === 0) return only;
  return {
    train: joinSplits(parts.map(({ train }) => train)),
    test: joinSplits(parts.map(({ test }) => test)),
    manifest: joinManifests(parts.map(({ manifest }) => manifest)),
  };
}

function joinSplits(splits: readonly Split[]): Split {
  const images = new Float32Array(sum(splits.map((split) => split.images.length)));
  const labels = new Uint8Array(sum(splits.map((split) => split.labels.length)));
  let [imageAt, labelAt] = [0, 0];
  for (const split of splits) {
    images.set(split.images, imageAt);
    labels.set(split.labels, labelAt);
    imageAt += split.images.length;
    labelAt += split.labels.length;
  }
  return {
    count: sum(splits.map(({ count }) => count)),
    // Hospitals share no patients here: the phantoms' are drawn apart, a MedMNIST image is its own patient.
    patients: sum(splits.map(({ patients }) => patients)),
    images,
    labels,
  };
}

function joinManifests(manifests: readonly DatasetManifest[]): DatasetManifest {
  const joined = (split: 'train' | 'test') => ({
    examples: sum(manifests.map((manifest) => manifest[split].examples)),
    patients: sum(manifests.map((manifest) => manifest[split].patients)),
    positives: sum(manifests.map((manifest) => manifest[split].positives)),
  });
  const digest = digestOfJson(manifests.map((manifest) => manifest.digest));
  return { format: manifests[0]!.format, train: joined('train'), test: joined('test'), digest };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
