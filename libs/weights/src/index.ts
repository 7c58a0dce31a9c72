export { add, firstNonFinite, l2Norm, scale, subtract, tensorOf, weightsOf, zeros, type Weights } from './weights.js';
export {
  layoutManifest,
  manifestDigest,
  sameManifest,
  sizeOfShape,
  type Manifest,
  type TensorShape,
  type TensorSpec,
} from './manifest.js';
export { decodeSafetensors, encodeHeader, encodeSafetensors, safetensorsByteLength } from './safetensors.js';
export { readHeader, type Header, type SafetensorsLimits } from './header.js';
export { RULES, type Rule } from './rules.js';
