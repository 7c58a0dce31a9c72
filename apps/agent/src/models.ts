import { Fault, type Digest } from '@consilium/stdx';
import {
  decodeSafetensors,
  safetensorsByteLength,
  sameManifest,
  type Manifest,
  type Weights,
} from '@consilium/weights';

/** Gets the bytes of a model; throws MODEL_DIGEST_MISMATCH when they are not those announced. */
export type Download = (model: { digest: Digest; bytes: number }, signal: AbortSignal) => Promise<Uint8Array>;

/** The consortium's models as weights, checked against the plan; the last one is kept, since it is often asked for twice. */
export class ModelSource {
  #last: { digest: Digest; weights: Weights } | undefined;

  constructor(private readonly download: Download) {}

  /** Refuses with WEIGHTS_MISMATCH before the download when the length is not that of the plan's model. */
  async fetch(
    offer: { modelDigest: Digest; modelBytes: number },
    manifest: Manifest,
    signal: AbortSignal,
  ): Promise<Weights> {
    const { modelDigest, modelBytes } = offer;
    if (this.#last?.digest === modelDigest && sameManifest(this.#last.weights.manifest, manifest))
      return this.#last.weights;
    const expectedBytes = safetensorsByteLength(manifest);
    if (modelBytes !== expectedBytes) throw new Fault('WEIGHTS_MISMATCH', { expectedBytes, cameBytes: modelBytes });
    const weights = decodeSafetensors(await this.download({ digest: modelDigest, bytes: modelBytes }, signal));
    if (!sameManifest(weights.manifest, manifest)) {
      throw new Fault('WEIGHTS_MISMATCH', {
        expectedTensors: manifest.tensors.length,
        cameTensors: weights.manifest.tensors.length,
      });
    }
    this.#last = { digest: modelDigest, weights };
    return weights;
  }
}
