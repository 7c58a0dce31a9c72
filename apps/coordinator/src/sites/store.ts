import type { Digest, SiteName } from '@consilium/stdx';
import type { LedgerRow } from '../ports.js';

/** A one-time token for one site. Its secret is nowhere here: `digest` is the SHA-256 of it. */
export interface TokenRecord {
  readonly digest: Digest;
  /** By which the log knows it. */
  readonly id: string;
  readonly site: SiteName;
  /** ISO 3166-1 alpha-2, as the admin who invites says. */
  readonly jurisdiction: string;
  readonly expiresMs: number;
  readonly usedMs: number | null;
}

/** A site's newest request for an identity, and what became of it. */
export interface EnrolmentRecord {
  readonly site: SiteName;
  readonly kind: 'join' | 'rekey';
  /** The site's signing key, base64, and the SHA-256 of its 32 bytes. */
  readonly signing: string;
  readonly signer: Digest;
  /** The request for a certificate (PKCS #10), base64 of its DER. */
  readonly csr: string;
  readonly jurisdiction: string;
  readonly state: 'pending' | 'admitted' | 'refused';
  /** The site's certificate and the intermediate's, PEM; null until admitted. */
  readonly certificate: string | null;
  readonly askedMs: number;
}

/** A certificate that was issued to a site. Who shows one that is not here is not let in, however good it looks. */
export interface CertificateRecord {
  /** SHA-256 of its public key (SubjectPublicKeyInfo). */
  readonly spki: Digest;
  readonly site: SiteName;
  readonly notAfterMs: number;
}

/** A roster that is or was in force. `document` is the envelope that the root has signed, byte for byte. */
export interface RosterRecord {
  readonly version: number;
  readonly digest: Digest;
  readonly document: string;
  readonly installedMs: number;
}

/** A site that is let in no more, with the key that it had. */
export interface RevocationRecord {
  readonly site: SiteName;
  readonly signing: string;
  readonly by: string;
  readonly revokedMs: number;
}

/** The site of a request, as it is let in. */
export interface Admission {
  /** With its certificate. */
  readonly enrolment: EnrolmentRecord;
  readonly certificate: CertificateRecord;
}

type Events = readonly LedgerRow[];

/**
 * Who was invited, who asked, who belongs, and who does no more. `events` are written to the log in the transaction of
 * what they tell: after a kill -9 both are there, or neither.
 */
export interface EnrolmentStore {
  /** Keeps a token and forgets those that have expired by `nowMs`. */
  createToken(token: TokenRecord, nowMs: number, events: Events): Promise<void>;
  findToken(digest: Digest): Promise<TokenRecord | undefined>;
  /** Tokens that could still be used. */
  openTokens(nowMs: number): Promise<number>;
  /**
   * Uses the token up and keeps the request of its site, replacing an older one. False, with nothing kept, if the token
   * was used before or has expired at `enrolment.askedMs`: of any number who ask at once, one is answered true.
   * ALREADY_EXISTS for the signing key of another site.
   */
  join(token: Digest, enrolment: EnrolmentRecord, events: Events): Promise<boolean>;
  /** Keeps the request of an enrolled site, replacing an older one. ALREADY_EXISTS for the signing key of another site. */
  ask(enrolment: EnrolmentRecord): Promise<void>;
  find(site: SiteName): Promise<EnrolmentRecord | undefined>;
  findBySigner(signer: Digest): Promise<EnrolmentRecord | undefined>;
  /** By site. */
  pending(): Promise<readonly EnrolmentRecord[]>;
  /** NOT_FOUND unless this very request is still pending. */
  refuse(enrolment: EnrolmentRecord): Promise<void>;

  /** The roster in force. */
  roster(): Promise<RosterRecord | undefined>;
  /**
   * Puts a roster in force and, if a site is admitted by it, lets that site in: a revocation of it ends, and so do the
   * older certificates of a site that has joined anew. ALREADY_EXISTS if the version was in force before, NOT_FOUND
   * unless that very request is still pending.
   */
  install(roster: RosterRecord, events: Events, admission?: Admission): Promise<void>;

  /** Keeps a certificate, with `enrolment` as the answer to its request, and forgets those that ended before `endedMs`. */
  issue(
    certificate: CertificateRecord,
    events: Events,
    given: { readonly endedMs: number; readonly enrolment?: EnrolmentRecord },
  ): Promise<void>;
  certificates(): Promise<readonly CertificateRecord[]>;

  /** A site that is revoked already stays as it is. */
  revoke(revocation: RevocationRecord, events: Events): Promise<void>;
  revocations(): Promise<readonly RevocationRecord[]>;

  /** Keeps a nonce and forgets those that have expired by `nowMs`. False if this site has used it before. */
  useNonce(
    used: { readonly site: SiteName; readonly nonce: string; readonly expiresMs: number },
    nowMs: number,
  ): Promise<boolean>;
}
