import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Governance } from './governance.js';
import { parsePlan } from './parse-plan.js';
import type { Plan, PlanRoster } from './plan.js';

/** A plan that says under which governance and with whose keys it runs: only such a one is signed. */
export type SignedPlan = Plan & { readonly governance: Governance; readonly roster: PlanRoster };

/** What this needs to know of the federation's roster; the signed document has more. */
export interface RosterKeys {
  readonly version: number;
  /** SHA-256 of the roster document. */
  readonly digest: Digest;
  /** Keys as base64 of their 32 bytes. */
  readonly coordinator: { readonly signing: string };
  readonly sites: readonly { readonly name: string; readonly signing: string; readonly jurisdiction: string }[];
}

/**
 * The draft with the study's governance and the keys of today's roster in it; what the draft itself said about these
 * two is replaced. Faults: those of {@link parsePlan}, and SITE_NOT_ENROLLED for a site that the roster does not list.
 */
export function completePlan(
  draft: unknown,
  { governance, roster }: { readonly governance: Governance; readonly roster: RosterKeys },
): SignedPlan {
  const { roster: _roster, ...rest } = isRecord(draft) ? draft : {};
  // Without a governed form there is nothing to complete, and the refusal names what is wrong with the draft itself.
  const { sites } = parsePlan(isRecord(draft) ? { ...rest, governance } : draft);
  const { version, digest, coordinator } = roster;
  const keys = Object.fromEntries(sites.map((site) => [site, keyOf(site, roster)]));
  const terms = { version, digest, coordinator: coordinator.signing, sites: keys };
  return requireSignedTerms(parsePlan({ ...rest, governance, roster: terms }));
}

/** Throws PLAN_INCOMPLETE unless the plan names both its governance and its roster. */
export function requireSignedTerms(plan: Plan): SignedPlan {
  if (!plan.governance) throw new Fault('PLAN_INCOMPLETE', { missing: 'governance' });
  if (!plan.roster) throw new Fault('PLAN_INCOMPLETE', { missing: 'roster' });
  return plan as SignedPlan;
}

/**
 * Whether the plan may run now, in this roster; whoever dispatches asks, and each site asks again for itself.
 *
 * Faults: ETHICS_EXPIRED from the first instant (UTC) after the approval's last day; ROSTER_CHANGED when a site of the
 * plan or the coordinator has another key by now, or the site is gone; JURISDICTION_REFUSED for a site in a country
 * that the plan does not list. A roster that changed elsewhere (another site came, a person left) is no hindrance.
 */
export function requireInForce(plan: SignedPlan, roster: RosterKeys, nowMs: number): void {
  if (nowMs >= ethicsEndMs(plan.governance))
    throw new Fault('ETHICS_EXPIRED', { endedMs: ethicsEndMs(plan.governance) });
  if (plan.roster.coordinator !== roster.coordinator.signing) throw new Fault('ROSTER_CHANGED', { of: 'coordinator' });
  for (const name of plan.sites) {
    const site = roster.sites.find((enrolled) => enrolled.name === name);
    if (!site || site.signing !== plan.roster.sites[name]) throw new Fault('ROSTER_CHANGED', { site: name });
    if (!plan.governance.jurisdictions.includes(site.jurisdiction)) {
      throw new Fault('JURISDICTION_REFUSED', { site: name });
    }
  }
}

const DAY_MS = 86_400_000;

/** The first instant at which the ethics approval holds no more: midnight UTC after its last day. */
export const ethicsEndMs = ({ ethics }: Pick<Governance, 'ethics'>): number => Date.parse(ethics.expires) + DAY_MS;

function keyOf(site: SiteName, { sites }: RosterKeys): string {
  const enrolled = sites.find(({ name }) => name === site);
  if (!enrolled) throw new Fault('SITE_NOT_ENROLLED', { site });
  return enrolled.signing;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
