export { decodeBase64, encodeBase64 } from './base64.js';
export { BUCKETS, bucketOf, type Bucket } from './bucket.js';
export {
  checkpointText,
  openCheckpoint,
  parseCheckpointNote,
  signCheckpoint,
  type Checkpoint,
  type OpenedCheckpoint,
} from './checkpoint.js';
export { cosign, cosignaturesOf } from './cosignature.js';
export { requireEnrolled } from './enrolled.js';
export {
  coordinatorEntrySchema,
  ENTRY_BYTES_MAX,
  readEntry,
  sealEntry,
  siteEntrySchema,
  type CoordinatorEntry,
  type EntryFor,
  type EventFor,
  type LedgerEntry,
  type LogKind,
  type Seal,
  type SiteEntry,
} from './entry.js';
export { AUDIT_PAGES, ROLES, type CoordinatorEvent } from './entry-coordinator.js';
export { MESSAGE_KINDS, type MessageKind, type SiteEvent } from './entry-site.js';
export { encodeEquivocation, findConflict, verifyEquivocation, type Equivocation, type View } from './equivocation.js';
export { requireEvidence, type Evidence, type EvidencePolicy } from './evidence.js';
export { findingFault, type Finding } from './finding.js';
export { emptyRoot, leafHash, nodeHash, plainHash, type Hash } from './hash.js';
export { coordinatorCosigner, coordinatorOrigin, shardYear, siteCosigner, siteOrigin } from './log-name.js';
export { MerkleTree } from './merkle.js';
export { mergeSignatures, noteText } from './note.js';
export { verifyConsistency, verifyInclusion, type ConsistencyClaim, type InclusionClaim } from './proof.js';
export { quorumOf, toleratedFaults } from './quorum.js';
export { auditLog, readLog, type AuditedLog, type LogRequest, type VerifiedLog } from './read-log.js';
export { MemoryStorage, type LogStorage, type ReadLogFile } from './storage.js';
export { TileLog, type TileLogSettings } from './tile-log.js';
export {
  CHECKPOINT_PATH,
  decodeEntryBundle,
  encodeEntryBundle,
  entryBundles,
  hashTiles,
  isLogPath,
  TILE_WIDTH,
  tilePath,
  type Tile,
  type TileLevel,
} from './tiles.js';
export {
  COSIGNATURE,
  encodeVerifierKey,
  LOG_SIGNATURE,
  parseVerifierKey,
  verifierKey,
  type SignatureType,
  type Signer,
  type VerifierKey,
} from './verifier-key.js';
export { Witness, type Seen, type WitnessAnswer, type WitnessRequest, type WitnessSettings } from './witness.js';
