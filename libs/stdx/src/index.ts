export { asBytes, concatBytes, fromUtf8, toHex, utf8 } from './bytes.js';
export { CATALOGUE, CODES, isCode, type CatalogueEntry, type Code, type GrpcStatusName } from './catalogue.js';
export { ManualClock, type Clock } from './clock.js';
export { digestOf, digestOfJson } from './digest.js';
export { ENGINES, type EngineName } from './engines.js';
export {
  ED25519_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  ed25519PublicKey,
  isSoundPublicKey,
  signEd25519,
  verifyEd25519,
} from './ed25519/ed25519.js';
export { withOverrides, type Environment, type Overrides } from './env.js';
export { describe, Fault, type Facts } from './fault.js';
export {
  digest,
  DIGEST_PATTERN,
  NAME_PATTERN,
  RUN_ID_PATTERN,
  runId,
  siteName,
  studyName,
  type Branded,
  type Digest,
  type RunId,
  type SiteName,
  type StudyName,
} from './ids.js';
export { InvariantError, invariant, unreachable } from './invariant.js';
export { canonicalJson, type Json } from './json.js';
export { seededRandom, type SeededRandom } from './random.js';
export { parseShape, shapeProblems } from './shape.js';
export { BoundedQueue, limitBytes, withDeadline } from './streams.js';
