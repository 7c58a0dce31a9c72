import type { Digest, SiteName } from '@consilium/stdx';
import type { Enrolment, JoinToken, Revocation, Roster, SiteCertificate } from '../../generated/client.js';
import type {
  CertificateRecord,
  EnrolmentRecord,
  RevocationRecord,
  RosterRecord,
  TokenRecord,
} from '../../sites/store.js';

/** Records ⇄ rows. What comes back was written by this program and checked then, so its types are trusted. */

export const tokenRow = ({ expiresMs, usedMs, ...token }: TokenRecord): JoinToken => ({
  ...token,
  expiresAt: new Date(expiresMs),
  usedAt: usedMs === null ? null : new Date(usedMs),
});

export const tokenOf = ({ expiresAt, usedAt, ...row }: JoinToken): TokenRecord => ({
  ...row,
  digest: row.digest as Digest,
  site: row.site as SiteName,
  expiresMs: expiresAt.getTime(),
  usedMs: usedAt?.getTime() ?? null,
});

export const enrolmentRow = ({ askedMs, ...enrolment }: EnrolmentRecord): Enrolment => ({
  ...enrolment,
  askedAt: new Date(askedMs),
});

export const enrolmentOf = ({ askedAt, ...row }: Enrolment): EnrolmentRecord => ({
  ...row,
  site: row.site as SiteName,
  signer: row.signer as Digest,
  kind: row.kind as EnrolmentRecord['kind'],
  state: row.state as EnrolmentRecord['state'],
  askedMs: askedAt.getTime(),
});

export const certificateRow = ({ notAfterMs, ...certificate }: CertificateRecord): SiteCertificate => ({
  ...certificate,
  notAfterAt: new Date(notAfterMs),
});

export const certificateOf = ({ notAfterAt, ...row }: SiteCertificate): CertificateRecord => ({
  spki: row.spki as Digest,
  site: row.site as SiteName,
  notAfterMs: notAfterAt.getTime(),
});

export const rosterRow = ({ installedMs, ...roster }: RosterRecord): Roster => ({
  ...roster,
  installedAt: new Date(installedMs),
});

export const rosterOf = ({ installedAt, ...row }: Roster): RosterRecord => ({
  ...row,
  digest: row.digest as Digest,
  installedMs: installedAt.getTime(),
});

export const revocationRow = ({ revokedMs, ...revocation }: RevocationRecord): Revocation => ({
  ...revocation,
  revokedAt: new Date(revokedMs),
});

export const revocationOf = ({ revokedAt, ...row }: Revocation): RevocationRecord => ({
  ...row,
  site: row.site as SiteName,
  revokedMs: revokedAt.getTime(),
});
