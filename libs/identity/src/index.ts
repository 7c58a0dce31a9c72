export { createAuthority, issueCertificate, type Issued } from './authority.js';
export { certificateFacts, peerOf, type CertificateFacts, type Peer } from './peer.js';
export { spiffeId, type Subject } from './spiffe.js';
