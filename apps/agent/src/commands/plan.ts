import { type Digest } from '@consilium/stdx';
import { approvalText } from '../approval-text.js';
import { diffText, differences } from '../approval/plan-diff.js';
import { planOfPage, readPlanJson } from '../approval/read-page.js';
import { allInWords, inWords } from '../approval/roles.js';
import type { PlanPage, Replies } from '../control/replies.js';
import type { Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import { siteAgent, type SiteOptions } from './site-agent.js';

/** `agent plan list`: every plan that was offered to this site, and what became of it. */
export async function list(options: SiteOptions, terminal: Terminal): Promise<void> {
  const { ask } = await siteAgent(options, terminal);
  const reply = await ask({ command: 'plans' });
  if (options.json) return terminal.out(JSON.stringify(reply));
  if (reply.plans.length === 0) return terminal.out('No plan was offered to this site yet.');
  for (const line of reply.plans.flatMap(listed)) terminal.out(line);
}

/** `agent plan show`: one plan, as a physician reads it. */
export async function show(reference: string, options: SiteOptions, terminal: Terminal): Promise<void> {
  const { ask, settings } = await siteAgent(options, terminal);
  const page = await ask({ command: 'plan', reference, read: true });
  if (options.json) return terminal.out(JSON.stringify(page));
  for (const line of [pageText(page, settings), '', ...next(page)]) terminal.out(line);
}

/** `agent plan diff`: how a plan differs from another one, or from the one that was approved last in its study. */
export async function diff(
  reference: string,
  other: string | undefined,
  options: SiteOptions,
  terminal: Terminal,
): Promise<void> {
  const { ask } = await siteAgent(options, terminal);
  const page = await ask({ command: 'plan', reference, read: false });
  const before =
    other === undefined
      ? page.approvedBefore
      : (await ask({ command: 'plan', reference: other, read: false })).planDigest;
  const found =
    before === null
      ? null
      : differences(readPlanJson((await ask({ command: 'terms', plan: before })).plan), planOfPage(page));
  if (options.json) {
    return terminal.out(JSON.stringify({ before, after: page.planDigest, differences: found }));
  }
  if (before === null || found === null) {
    terminal.out('No other plan of this study was approved here before: all of it is new. See plan show.');
    return;
  }
  for (const line of [`− ${before}`, `+ ${page.planDigest}`, '', ...diffText(found)]) terminal.out(line);
}

export const pageText = (page: PlanPage, { site }: Pick<Settings, 'site'>): string =>
  approvalText(planOfPage(page), { ...page, site });

function listed({ run, planDigest, study, title, ...status }: Replies['plans']['plans'][number]): string[] {
  return [`${run}  ${stateOf(status)}`, `  “${title}” (study ${study})`, `  plan ${planDigest}`];
}

function stateOf({
  decision,
  code,
  suspended,
  ended,
}: Pick<PlanPage, 'decision' | 'code' | 'suspended' | 'ended'>): string {
  const decided = decision === 'waiting' ? 'waits for approval' : `${decision}${code ? ` (${code})` : ''}`;
  const held = suspended.length > 0 ? `, suspended by ${allInWords(suspended)}` : '';
  return `${decided}${held}${ended ? `, ${ended}` : ''}`;
}

/** What there is to do about it, with the very words. */
function next(page: PlanPage): string[] {
  const state = `State: ${stateOf(page)}.`;
  const plan: Digest = page.planDigest;
  if (page.decision !== 'waiting') return [state];
  const missing = page.missing.map(inWords).join(', ');
  return [
    missing === '' ? state : `${state} Yet to sign: ${missing}.`,
    '',
    `What is new in it:  consilium agent plan diff ${plan} --settings FILE`,
    `To take part:       consilium agent plan approve ${plan} --key KEYFILE --settings FILE`,
    `To refuse:          consilium agent plan reject ${plan} --as operator --settings FILE`,
  ];
}
