import { Fault, NAME_PATTERN, siteName, type SiteName } from '@consilium/stdx';

/** Whom a certificate stands for. */
export type Subject = { readonly kind: 'site'; readonly name: SiteName } | { readonly kind: 'coordinator' };

/** The SPIFFE id of a subject (SPIFFE-ID standard, 2): `spiffe://FEDERATION/site/NAME` or `spiffe://FEDERATION/coordinator`. */
export function spiffeId(federation: string, subject: Subject): string {
  return `${trustDomain(federation)}/${subject.kind === 'site' ? `site/${subject.name}` : 'coordinator'}`;
}

/** The id of the federation's authority: a trust domain without a path. */
export function trustDomain(federation: string): string {
  if (!NAME_PATTERN.test(federation)) throw new Fault('REQUEST_INVALID', { field: 'federation' });
  return `spiffe://${federation}`;
}

/**
 * Reads a SPIFFE id. It is compared as the text that it is, never decoded or normalised, so that no two spellings name
 * the same peer. Faults: PEER_CERTIFICATE_FOREIGN for another federation, CERTIFICATE_INVALID for any other form.
 */
export function subjectOf(uri: string, federation: string): Subject {
  const own = `${trustDomain(federation)}/`;
  if (!uri.startsWith(own)) {
    throw new Fault(uri.startsWith('spiffe://') ? 'PEER_CERTIFICATE_FOREIGN' : 'CERTIFICATE_INVALID');
  }
  const path = uri.slice(own.length);
  if (path === 'coordinator') return { kind: 'coordinator' };
  const name = path.startsWith('site/') ? path.slice('site/'.length) : '';
  if (!NAME_PATTERN.test(name)) throw new Fault('CERTIFICATE_INVALID', { expected: 'a site or the coordinator' });
  return { kind: 'site', name: siteName(name) };
}
