import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Rosters } from './rosters.js';
import type { CertificateRecord, EnrolmentStore, RevocationRecord } from './store.js';

/** How long after its end a certificate can still be renewed by the site's signing key. */
export const REVIVED_MS = 30 * 86_400_000;

/**
 * Who may call: asked at every call and every second while one lasts, so it answers from memory. What stands here was
 * stored before.
 */
export class SiteRegister {
  readonly #certificates: Map<Digest, CertificateRecord>;
  readonly #revocations: Map<SiteName, RevocationRecord>;
  readonly #admitting = new Set<SiteName>();

  constructor(
    private readonly rosters: Rosters,
    stored: { readonly certificates: readonly CertificateRecord[]; readonly revocations: readonly RevocationRecord[] },
  ) {
    this.#certificates = new Map(stored.certificates.map((certificate) => [certificate.spki, certificate]));
    this.#revocations = new Map(stored.revocations.map((revocation) => [revocation.site, revocation]));
  }

  static async open(rosters: Rosters, store: EnrolmentStore): Promise<SiteRegister> {
    const [certificates, revocations] = await Promise.all([store.certificates(), store.revocations()]);
    return new SiteRegister(rosters, { certificates, revocations });
  }

  /** Every site that the log may name: those of the roster, those that have been of it, and the one that comes. */
  get names(): ReadonlySet<SiteName> {
    const enrolled = this.rosters.roster.sites.map(({ name }) => name);
    return new Set([...enrolled, ...this.#revocations.keys(), ...this.#admitting]);
  }

  /** The root has signed a roster with this site, which is about to be put in force. */
  admitting(site: SiteName): void {
    this.#admitting.add(site);
  }

  /**
   * Faults: SITE_REVOKED; SITE_NOT_ENROLLED for a site that the roster does not list; PEER_CERTIFICATE_FOREIGN for a key
   * (SHA-256 of its SubjectPublicKeyInfo) of which no certificate was issued to this site, whoever signed it.
   */
  authorise(site: SiteName, spki: Digest): void {
    this.requireMember(site);
    if (this.#certificates.get(spki)?.site !== site) throw new Fault('PEER_CERTIFICATE_FOREIGN');
  }

  requireMember(site: SiteName): void {
    if (this.#revocations.has(site)) throw new Fault('SITE_REVOKED', { site });
    if (!this.rosters.site(site)) throw new Fault('SITE_NOT_ENROLLED', { site });
  }

  revocationOf = (site: SiteName): RevocationRecord | undefined => this.#revocations.get(site);
  certificateOf = (spki: Digest): CertificateRecord | undefined => this.#certificates.get(spki);
  certificatesOf = (site: SiteName): readonly CertificateRecord[] =>
    [...this.#certificates.values()].filter((certificate) => certificate.site === site);

  /** Sites that a next roster may leave out. */
  get revoked(): ReadonlySet<SiteName> {
    return new Set(this.#revocations.keys());
  }

  issued(certificate: CertificateRecord, nowMs: number): void {
    for (const { spki, notAfterMs } of this.#certificates.values()) {
      if (notAfterMs + REVIVED_MS < nowMs) this.#certificates.delete(spki);
    }
    this.#certificates.set(certificate.spki, certificate);
  }

  revoke(revocation: RevocationRecord): void {
    this.#revocations.set(revocation.site, revocation);
  }

  /** A site that was let in: it is no longer revoked, and after it joined anew nothing that was issued before counts. */
  admitted(certificate: CertificateRecord, kind: 'join' | 'rekey', nowMs: number): void {
    const { site } = certificate;
    this.#revocations.delete(site);
    this.#admitting.delete(site);
    if (kind === 'join') for (const { spki } of this.certificatesOf(site)) this.#certificates.delete(spki);
    this.issued(certificate, nowMs);
  }
}
