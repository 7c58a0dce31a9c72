import { ethicsEndMs, type SignedPlan } from '@consilium/round';
import type { PlanDetail } from '../api/shapes.js';
import { CATALOGUE } from '@consilium/stdx';
import type { Terminal } from '../terminal.js';
import { harmless, wrapWords } from '../text/width.js';
import { privacyLines } from './privacy.js';

type Page = Pick<Terminal, 'columns' | 'paint'>;

/** What somebody who signs a plan has to have read: in words, and all of what the signature binds that words can say. */
export function planLines(plan: SignedPlan, digest: string, { columns, paint }: Page): string[] {
  const { governance, roster, rounds, training, sites } = plan;
  const { ethics, dataContract } = governance;
  const until = new Date(ethicsEndMs(governance)).toISOString().slice(0, 10);
  return [
    `${paint.bold(plan.study)}  ${harmless(plan.title)}`,
    ...wrapWords(harmless(plan.purpose), columns()),
    '',
    `plan        ${digest}`,
    `sites       ${sites.join(', ')} (keys of roster ${roster.version})`,
    `rounds      ${rounds.count}, each of ${training.localSteps} steps; at least ${rounds.minSites} sites`,
    `law         ${governance.legalBasis}, in ${governance.jurisdictions.join(', ')}`,
    `ethics      ${harmless(ethics.number)}, ${harmless(ethics.authority)}, before ${until}`,
    `data        ${dataContract.modality}, de-identified, at least ${dataContract.minPatients} patients at each site`,
    `updates     ${plan.audit.retainUpdates ? 'kept by the coordinator, for auditors' : 'removed after each round'}`,
    '',
    ...privacyLines(plan.privacy.mode, columns()),
  ];
}

/** Who has signed, and what is still missing. */
export function standingLines({ signers, refusal }: PlanDetail, digest: string): string[] {
  const who = signers.map(({ person, roles }) => `${person} (${roles.join(', ')})`).join(', ');
  return [
    `Signed by ${who || 'nobody'}.`,
    refusal === null ? `Next: consilium run start ${digest}` : `It may not run yet: ${CATALOGUE[refusal].sentence}`,
  ];
}
