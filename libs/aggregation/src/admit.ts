import { Fault, invariant, type Facts } from '@consilium/stdx';
import { firstNonFinite, l2Norm, sameManifest, type Manifest, type Weights } from '@consilium/weights';

/** What an update must be to count: the tensors of the plan's model, and at most this Euclidean norm over all of them. */
export interface Admission {
  readonly manifest: Manifest;
  /** Positive and finite; an update of exactly this norm is admitted. */
  readonly normBound: number;
}

/** An update that was checked against its round's terms; only {@link admit} makes one, and nobody writes to it afterwards. */
export type AdmittedUpdate = Weights & { readonly __checked: 'AdmittedUpdate' };

/**
 * Lets one site's update into the mean, or refuses it with the first of: WEIGHTS_MISMATCH (other tensors),
 * UPDATE_NOT_FINITE (a NaN or infinity, which would spread to the whole model), UPDATE_NORM_EXCEEDED. In this order,
 * because an index has a meaning only in the right manifest, and a norm only over finite values. The bound limits how
 * far one site can move the model; it does not tell a wrong update from a right one.
 */
export function admit(update: Weights, { manifest, normBound }: Admission): AdmittedUpdate {
  invariant(normBound > 0 && Number.isFinite(normBound), 'a norm bound is positive and finite');
  if (!sameManifest(update.manifest, manifest))
    throw new Fault('WEIGHTS_MISMATCH', mismatch(manifest, update.manifest));
  const index = firstNonFinite(update.values);
  if (index >= 0) throw new Fault('UPDATE_NOT_FINITE', placeOf(index, manifest));
  const norm = l2Norm(update);
  if (norm > normBound) throw new Fault('UPDATE_NORM_EXCEEDED', { norm, normBound });
  return update as AdmittedUpdate;
}

/** Counts, and the first place where the tensors part; only our own names are told, for the other ones are a stranger's text. */
function mismatch(expected: Manifest, came: Manifest): Facts {
  const counts = {
    expectedTensors: expected.tensors.length,
    cameTensors: came.tensors.length,
    expectedValues: expected.size,
    cameValues: came.size,
  };
  const first = expected.tensors.find((spec, i) => {
    const other = came.tensors[i];
    return other?.name !== spec.name || String(other.shape) !== String(spec.shape);
  });
  return first ? { ...counts, firstMissing: first.name } : counts;
}

function placeOf(index: number, manifest: Manifest): Facts {
  const spec = manifest.tensors.find(({ offset, size }) => index < offset + size)!;
  return { tensor: spec.name, index: index - spec.offset };
}
