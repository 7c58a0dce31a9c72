import type { Approval } from '@consilium/identity';
import { planCanonicalJson, type Plan } from '@consilium/round';
import { DIGEST_PATTERN, Fault, type Digest } from '@consilium/stdx';
import { layersInWords } from '../approval/plan-words.js';
import { readPlanJson, readTerms } from '../approval/read-page.js';
import { allInWords } from '../approval/roles.js';
import { rolesOf, signTerms } from '../approval/sign-terms.js';
import { modelFamilyOf } from '../approval/standing-approvals.js';
import type { Replies } from '../control/replies.js';
import { personKey } from '../keys/person-key.js';
import type { Terminal } from '../terminal.js';
import { dayOf, whole, wrap } from '../text/wrap.js';
import { requirePeople, type SigningOptions } from './decide.js';
import { readPlanFile } from './plan-file.js';
import { requireYes, siteAgent, type SiteAgent, type SiteOptions } from './site-agent.js';

export type GrantOptions = SigningOptions & {
  readonly study: string;
  /** A plan file, or the digest of a plan that was offered here: its model and kind of images are meant. */
  readonly plan: string;
  readonly rounds: number;
  /** The first instant, UTC milliseconds, at which it holds no more. */
  readonly until: number;
};

/** `agent standing grant`: one person's signature under an approval of runs to come. The last one puts it in force. */
export async function grant(options: GrantOptions, terminal: Terminal): Promise<void> {
  const site = await siteAgent(options, terminal);
  const { settings, ask } = site;
  requirePeople(settings);
  const key = await personKey(options, terminal);
  const roles = rolesOf(key, settings);
  const plan = await planNamed(options.plan, site);
  if (plan.study !== options.study) throw new Fault('USAGE', { option: '--study', expected: 'the study of the plan' });
  const { rounds, until: expiresMs } = options;
  const draft = await ask({ command: 'standing-draft', plan: planCanonicalJson(plan), rounds, expiresMs });
  const terms = readTerms(draft.draft);
  requireTerms(terms, { ...options, plan, site: settings.site, dataset: draft.dataset.digest });

  const say = options.json ? terminal.err : terminal.out;
  for (const line of [...grantText(plan, terms, draft), '', `You sign as ${allInWords(roles)}.`]) say(line);
  await requireYes('Do you approve these runs beforehand?', options, terminal);

  const document = Buffer.from(await signTerms(terms, draft.signed, key, settings)).toString('base64');
  const reply = await ask({ command: 'standing-sign', document });
  if (options.json) return terminal.out(JSON.stringify(reply));
  terminal.out(
    reply.document === null
      ? `Signed. Yet to sign: ${allInWords(reply.missing)}, with the same command and another key, before the agent restarts.`
      : `In force. To end it:  consilium agent standing withdraw ${reply.document} --settings FILE`,
  );
}

/** `agent standing list`: those in force, and how much of them is left. */
export async function list(options: SiteOptions, terminal: Terminal): Promise<void> {
  const { ask } = await siteAgent(options, terminal);
  const reply = await ask({ command: 'standing' });
  if (options.json) return terminal.out(JSON.stringify(reply));
  if (reply.standing.length === 0) return terminal.out('No standing approval is in force.');
  for (const { document, study, dataset, rounds, used, expiresMs } of reply.standing) {
    terminal.out(document);
    terminal.out(
      `  study ${study}, ${whole(rounds - used)} of ${whole(rounds)} rounds left, through ${lastDay(expiresMs)}`,
    );
    terminal.out(`  data ${dataset}`);
  }
}

/** `agent standing withdraw`: it covers no further run. Anybody's word is enough. */
export async function withdraw(document: string, options: SiteOptions, terminal: Terminal): Promise<void> {
  if (!DIGEST_PATTERN.test(document)) throw new Fault('USAGE', { expected: 'a digest, as standing list shows it' });
  const { ask } = await siteAgent(options, terminal);
  const reply = await ask({ command: 'standing-withdraw', document: document as Digest });
  if (options.json) return terminal.out(JSON.stringify(reply));
  terminal.out('Withdrawn: it covers no further run. Runs that it has covered go on; see plan withdraw.');
}

async function planNamed(name: string, { ask }: Pick<SiteAgent, 'ask'>): Promise<Plan> {
  if (!DIGEST_PATTERN.test(name)) return readPlanFile(name);
  return readPlanJson((await ask({ command: 'terms', plan: name as Digest })).plan);
}

/** What the agent has drafted is what was asked for, and nothing beside it. */
function requireTerms(
  { study, plan: none, run, site, dataset, by, envelope, expiresMs }: Approval,
  due: { plan: Plan; rounds: number; until: number; site: string; dataset: Digest },
): void {
  const fits =
    study === due.plan.study &&
    none === null &&
    run === null &&
    by === 'people' &&
    site === due.site &&
    dataset === due.dataset &&
    expiresMs === due.until &&
    envelope?.dataset === due.dataset &&
    envelope.modelFamily === modelFamilyOf(due.plan) &&
    envelope.rounds === due.rounds &&
    envelope.expiresMs === due.until;
  if (!fits) throw new Fault('APPROVAL_INVALID', { field: 'draft' });
}

function grantText(plan: Plan, { study }: Approval, { dataset }: Replies['standing-draft']): string[] {
  return [
    ...wrap(`A standing approval for the study ${study}: runs that fit it begin without anybody being asked.`),
    '',
    'What it covers',
    `  data    ${dataset.digest}`,
    ...wrap(
      `${whole(dataset.train.examples)} images to train on, ${whole(dataset.test.examples)} to measure on; with one image more or less it covers nothing`,
      '          ',
    ),
    `  model   ${modelFamilyOf(plan)}`,
    ...wrap(`a network of these layers, with whatever numbers: ${layersInWords(plan.model)}`, '          '),
    '',
    'What it leaves open',
    ...wrap(
      'Everything else in a plan: its purpose, its sites, how it trains, what it measures, and what hides the updates (privacy.mode). Each plan must still be signed by the federation, lawful here and in time. Where that is too much, approve each run.',
      '  ',
    ),
  ];
}

const lastDay = (expiresMs: number): string => dayOf(expiresMs - 1);
