export { ACCESS_TOKEN_SECONDS, issueAccessToken, verifyAccessToken, type AccessClaims } from './access-token.js';
export { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from './base64.js';
export { createAuthority, issueCertificate } from './certificates/authority.js';
export { verifyChain } from './certificates/chain.js';
export type { Issued } from './certificates/issued.js';
export { builtInIssuer, type CertificateIssuer, type IssueRequest } from './certificates/issuer.js';
export { issueLeaf, issueServerLeaf, LEAF_HOURS, type Leaf, type LeafTerms } from './certificates/leaf.js';
export { certificateFacts, peerOf, type CertificateFacts, type Peer } from './certificates/peer.js';
export { newRequest, readRequest, type NewRequest } from './certificates/request.js';
export { createIntermediate, createRoot } from './certificates/root.js';
export { spiffeId, type Subject } from './certificates/spiffe.js';
export { approvalSchema, type Approval, type ApprovalEnvelope } from './documents/approval.js';
export {
  collectSchema,
  joinSchema,
  rekeySchema,
  renewSchema,
  type Collect,
  type Join,
  type Rekey,
  type Renew,
} from './documents/enrolment.js';
export { PERSON_ID_PATTERN, type PersonId } from './documents/fields.js';
export { policySchema, type Policy } from './documents/policy.js';
export { rosterSchema, type Roster, type RosterPerson, type RosterRole, type RosterSite } from './documents/roster.js';
export { LEGAL_BASES, MODALITIES, studyDocumentSchema, type StudyDocument } from './documents/study.js';
export { payloadTypeOf, type DocumentOf, type DocumentType } from './documents/types.js';
export { updateStatementSchema, type UpdateStatement } from './documents/update.js';
export {
  addSignature,
  claimedSigners,
  openEnvelope,
  signEnvelope,
  type OpenedEnvelope,
  type RequiredSigners,
  type SignedType,
} from './dsse/envelope.js';
export {
  joinTokenDigest,
  newJoinToken,
  parseJoinToken,
  type Invitation,
  type JoinToken,
} from './enrolment/join-token.js';
export { openJoin, openRekey } from './enrolment/requests.js';
export { fingerprintWords } from './keys/fingerprint.js';
export { decodeKeyFile, encodeKeyFile, publicKeyOfFile } from './keys/key-file.js';
export {
  decodePublicKey,
  encodePublicKey,
  keyId,
  newSigningKey,
  SoftwareKey,
  signingKeyFrom,
  type RandomBytes,
  type SigningKey,
} from './keys/signing-key.js';
export { nextRoster, openRoster, requireSuccessor, signRoster, type KnownRoster, type RosterChange } from './roster.js';
