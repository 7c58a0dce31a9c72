import { requireSuccessor, type KnownRoster, type RosterSite } from '@consilium/identity';
import { Fault, type SiteName } from '@consilium/stdx';

/** What a next roster may change beside its people. */
export interface AllowedChange {
  /** The site that it admits, exactly with this key and country. */
  readonly admits?: RosterSite;
  /** Sites that may be left out: those that are revoked. */
  readonly mayLeave: ReadonlySet<SiteName>;
}

/**
 * Refuses a roster that is not the very next one or changes more than an admin was asked about: the root's signature
 * says who wrote it, this says that nothing came with it unseen. People may come and go. Faults: ROSTER_INVALID with the
 * path of the first thing that nobody asked for.
 */
export function requireAllowedChange(known: KnownRoster, next: KnownRoster, allowed: AllowedChange): void {
  requireSuccessor(known, next);
  const [before, after] = [known.roster, next.roster];
  if (after.version !== before.version + 1) refuse('version');
  if (after.issuedMs < before.issuedMs) refuse('issuedMs');
  if (after.coordinator.signing !== before.coordinator.signing) refuse('coordinator');

  const { admits, mayLeave } = allowed;
  const expected = new Map(before.sites.map((site) => [site.name, site]));
  if (admits) expected.set(admits.name, admits);
  const came = new Map(after.sites.map((site) => [site.name, site]));
  for (const [name, site] of came) if (!isSame(site, expected.get(name))) refuse(`sites.${name}`);
  for (const name of expected.keys()) {
    if (!came.has(name) && (name === admits?.name || !mayLeave.has(name))) refuse(`sites.${name}`);
  }
}

const isSame = (a: RosterSite, b: RosterSite | undefined): boolean =>
  a.signing === b?.signing && a.jurisdiction === b.jurisdiction;

function refuse(path: string): never {
  throw new Fault('ROSTER_INVALID', { path, expected: 'the roster before, with the asked change and no other' });
}
