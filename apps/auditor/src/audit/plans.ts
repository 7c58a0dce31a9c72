import { keyId, type Roster } from '@consilium/identity';
import { parsePlan, requireInForce, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { Fault, fromUtf8, type Digest } from '@consilium/stdx';
import { openDocument, type Dossier } from './dossier.js';
import { recordsOf, type CoordinatorEntryOf } from './recorded.js';

type PlanDesk = Pick<Dossier, 'files' | 'findings' | 'tools' | 'rosters' | 'policy'>;

/**
 * The plan that a run was started with, if its envelope is signed by a proposer and by an admin, two different people
 * of the roster that held when the run started; undefined, with a finding, where it is not.
 */
export async function planOf(
  started: CoordinatorEntryOf<'run.started'>,
  desk: PlanDesk,
): Promise<SignedPlan | undefined> {
  const { findings, rosters, policy } = desk;
  const { ref, envelope, plan: digest } = started;
  const version = rosters.at(started.sequence);
  if (!version || version.digest !== started.roster) {
    findings.add('ROSTER_CHAIN_BROKEN', ref, `the roster in force, ${version?.digest ?? 'none'}`, started.roster);
    return undefined;
  }
  const people = version.roster.people.map(({ signing }) => desk.tools.key(signing));
  const opened = await openDocument(
    desk,
    { type: 'plan', digest: envelope, ref, code: 'PLAN_NOT_SIGNED' },
    { must: [], may: people },
  );
  if (!opened) return undefined;

  const signers = new Set(opened.signers.map(keyId));
  if (!twoPeople(version.roster, signers, desk)) {
    findings.add('PLAN_NOT_SIGNED', ref, 'a proposer and an admin, two different people', `${signers.size} signatures`);
  }
  const plan = await readPlan(opened.payloadBytes, digest, desk, ref);
  if (plan && plan.federation !== policy.federation)
    findings.add('FEDERATION_FOREIGN', ref, policy.federation, plan.federation);
  return plan;
}

/** Whether somebody signed as proposer and somebody else as admin. */
function twoPeople({ people }: Roster, signers: ReadonlySet<Digest>, { tools }: PlanDesk): boolean {
  const signed = people.filter(({ signing }) => signers.has(tools.digest(tools.key(signing))));
  const [proposers, admins] = (['proposer', 'admin'] as const).map((role) =>
    signed.filter(({ roles }) => roles.includes(role)),
  );
  return proposers!.some(({ person }) => admins!.some((admin) => admin.person !== person));
}

async function readPlan(
  bytes: Uint8Array,
  digest: Digest,
  { tools, findings }: PlanDesk,
  ref: string,
): Promise<SignedPlan | undefined> {
  const came = tools.digest(bytes);
  if (came !== digest) findings.add('PLAN_INVALID', ref, `plan ${digest}`, `plan ${came}`);
  try {
    return await tools.checks.once(`plan ${came}`, () => requireSignedTerms(parsePlan(JSON.parse(fromUtf8(bytes)))));
  } catch (error) {
    if (!Fault.is(error)) throw error;
    findings.add('PLAN_INVALID', ref, 'a plan with its governance and roster', error.message);
    return undefined;
  }
}

/** Every plan that was proposed: by whom the entry says, and in the roster of that time. */
export async function auditProposals({ coordinator, ...desk }: Dossier): Promise<void> {
  for (const entry of recordsOf(coordinator.records, 'plan.proposed')) {
    const people = desk.rosters.at(entry.sequence)?.roster.people ?? [];
    const may = people.map(({ signing }) => desk.tools.key(signing));
    const { ref, envelope: digest } = entry;
    const opened = await openDocument(desk, { type: 'plan', digest, ref, code: 'PLAN_NOT_SIGNED' }, { must: [], may });
    if (opened) await readPlan(opened.payloadBytes, entry.plan, desk, ref);
  }
}

/**
 * Whether the plan was in force whenever something was started or offered under it: ethics approval, countries and keys
 * are held against the roster of that place in the log, and the time that the entry claims.
 */
export function auditForce({ runs, rosters, findings }: Dossier): void {
  for (const { started, plan, rounds } of runs) {
    const moments = [started, ...rounds.flatMap(({ offered }) => offered ?? [])];
    for (const { ref, sequence, at } of moments) {
      const version = rosters.at(sequence);
      if (!version) continue; // told where the run's roster was looked up
      const problem = faultOf(() => requireInForce(plan, { ...version.roster, digest: version.digest }, at));
      if (problem) findings.add('PLAN_NOT_IN_FORCE', ref, 'a plan in force', problem.message);
    }
  }
}

function faultOf(check: () => void): Fault | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (Fault.is(error)) return error;
    throw error;
  }
}
