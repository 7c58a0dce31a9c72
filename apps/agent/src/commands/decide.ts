import { Fault } from '@consilium/stdx';
import { planOfPage, termsOfPage } from '../approval/read-page.js';
import { allInWords, inWords, type Role } from '../approval/roles.js';
import { rolesOf, signTerms } from '../approval/sign-terms.js';
import type { Replies } from '../control/replies.js';
import { personKey, type KeyOptions } from '../keys/person-key.js';
import type { Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import { pageText } from './plan.js';
import { requireYes, siteAgent, type SiteOptions } from './site-agent.js';

export type SigningOptions = SiteOptions & KeyOptions & { readonly yes?: boolean };

/**
 * `agent plan approve`: shows the plan, asks, and puts this person's signature under it. The key stays with this program:
 * what goes to the agent is the signed document.
 */
export async function approve(reference: string, options: SigningOptions, terminal: Terminal): Promise<void> {
  const { settings, ask } = await siteAgent(options, terminal);
  requirePeople(settings);
  const key = await personKey(options, terminal);
  const roles = rolesOf(key, settings);
  const page = await ask({ command: 'plan', reference, read: true });
  const plan = planOfPage(page);
  const terms = termsOfPage(page, plan, settings.site);

  // Programs read the last line of the standard output; people are told beside it.
  const say = options.json ? terminal.err : terminal.out;
  for (const line of [pageText(page, settings), '', `You sign as ${allInWords(roles)}.`]) say(line);
  await requireYes('Do you approve this plan for this one run?', options, terminal);

  const document = await signTerms(terms, page.signed, key, settings);
  const reply = await ask({ command: 'sign', run: page.run, document: Buffer.from(document).toString('base64') });
  if (options.json) return terminal.out(JSON.stringify({ run: page.run, planDigest: page.planDigest, ...reply }));
  terminal.out(
    reply.approved
      ? 'Approved, for this one run.'
      : `Signed. Yet to sign: ${allInWords(reply.missing)}, with the same command and another key, before the agent restarts.`,
  );
}

type WordOptions = SiteOptions & { readonly as: Role };
type Word = 'reject' | 'withdraw' | 'suspend' | 'resume';

/** `agent plan reject|withdraw|suspend|resume`: a word of one person that needs no key and stands in the log with their role. */
export async function say(word: Word, reference: string, options: WordOptions, terminal: Terminal): Promise<void> {
  const { ask } = await siteAgent(options, terminal);
  const reply = await ask({ command: word, reference, by: options.as });
  if (options.json) return terminal.out(JSON.stringify(reply));
  terminal.out(TOLD[word](reply, options.as));
}

const TOLD: Readonly<Record<Word, (reply: Replies['suspend'], by: Role) => string>> = {
  reject: () => 'Rejected. The coordinator is told so, and no reason.',
  withdraw: () => 'Withdrawn: nothing more is done for this run. What was sent before cannot be called back.',
  suspend: () => 'Suspended: nothing is done for this plan, in any run, until you resume it.',
  resume: ({ runs }, by) => {
    const others = [...new Set(runs.flatMap(({ suspended }) => suspended))];
    return others.length === 0
      ? 'Resumed.'
      : `What ${inWords(by)} has suspended is resumed; it stays suspended by ${allInWords(others)}.`;
  },
};

/** Where the agent decides by itself, nobody signs. */
export function requirePeople({ approve: rule }: Pick<Settings, 'approve'>): void {
  if (rule === 'auto')
    throw new Fault('SETTINGS_INVALID', { path: 'approve', expected: 'manual, for people to decide' });
}
