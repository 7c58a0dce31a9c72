import { manifestOf } from '@consilium/model';
import type { Plan } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import {
  decodeSafetensors,
  encodeSafetensors,
  firstNonFinite,
  l2Norm,
  safetensorsByteLength,
  sameManifest,
  type Weights,
} from '@consilium/weights';

/** The update's bytes, if its tensors are those of the plan's model, all finite, within the norm bound and of the exact length. */
export function admitUpdate(update: Weights, { plan }: { readonly plan: Plan }): Uint8Array {
  const manifest = manifestOf(plan.model);
  if (!sameManifest(update.manifest, manifest) || update.values.length !== manifest.size) {
    throw new Fault('WEIGHTS_MISMATCH', {
      expectedTensors: manifest.tensors.length,
      cameTensors: update.manifest.tensors.length,
    });
  }
  const at = firstNonFinite(update.values);
  if (at >= 0) throw new Fault('UPDATE_NOT_FINITE', { at });
  const norm = l2Norm(update);
  if (!(norm <= plan.aggregation.normBound))
    throw new Fault('UPDATE_NORM_EXCEEDED', { norm, normBound: plan.aggregation.normBound });
  const bytes = encodeSafetensors(update);
  const expectedBytes = safetensorsByteLength(manifest);
  if (bytes.byteLength !== expectedBytes)
    throw new Fault('UPDATE_TOO_LARGE', { expectedBytes, cameBytes: bytes.byteLength });
  return bytes;
}

/** The same of bytes that are about to leave: they are the one encoding of an update that {@link admitUpdate} admits. */
export function admitBytes(bytes: Uint8Array, terms: { readonly plan: Plan }): void {
  const expectedBytes = safetensorsByteLength(manifestOf(terms.plan.model));
  if (bytes.byteLength !== expectedBytes)
    throw new Fault('UPDATE_TOO_LARGE', { expectedBytes, cameBytes: bytes.byteLength });
  const again = admitUpdate(decodeSafetensors(bytes), terms);
  if (Buffer.compare(again, bytes) !== 0) throw new Fault('SAFETENSORS_MALFORMED', { expected: 'the one encoding' });
}
