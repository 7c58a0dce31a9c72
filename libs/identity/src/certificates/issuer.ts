import { issueLeaf, type Leaf } from './leaf.js';
import type { Issued } from './issued.js';
import type { Subject } from './spiffe.js';

/** What a coordinator asks of an issuer once it knows who asked it. */
export interface IssueRequest {
  readonly subject: Subject;
  /** PKCS #10, DER; its self-signature is the issuer's to check. */
  readonly csr: Uint8Array;
  /** UTC milliseconds. */
  readonly now: number;
}

/**
 * Who signs certificates: the built-in authority, or a hospital group's own by EST (RFC 7030, `/simplereenroll`) or
 * ACME (RFC 8555). Whatever it answers, the coordinator holds to `verifyChain` before it hands it on.
 */
export interface CertificateIssuer {
  issue(request: IssueRequest): Promise<Leaf>;
}

/** The built-in authority: issues from the intermediate that the coordinator holds. */
export const builtInIssuer = (terms: {
  intermediate: Issued;
  federation: string;
  hours?: number;
}): CertificateIssuer => ({
  issue: (request) => issueLeaf({ ...terms, ...request }),
});
