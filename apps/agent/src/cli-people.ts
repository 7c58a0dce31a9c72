import { InvalidArgumentError, Option, type Command } from 'commander';
import { APPROVER_ROLES } from './settings.js';
import type { Terminal } from './terminal.js';

/** Each command is loaded when it is called, so that none waits for the libraries of another. */
const commands = {
  decide: () => import('./commands/decide.js'),
  key: () => import('./commands/key.js'),
  plan: () => import('./commands/plan.js'),
  rekey: () => import('./commands/rekey.js'),
  standing: () => import('./commands/standing.js'),
};

/** How the commands of one program begin. */
export interface Makers {
  command(parent: Command, name: string, description: string): Command;
  ofSite(parent: Command, name: string, description: string): Command;
}

/** The commands by which a hospital's people decide. */
export function describePeople(program: Command, makers: Makers, terminal: Terminal): void {
  describePlan(program, makers, terminal);
  describeStanding(program, makers, terminal);
  describeKeys(program, makers, terminal);
}

function describePlan(program: Command, { ofSite }: Makers, terminal: Terminal): void {
  const plan = program
    .command('plan')
    .description('the plans that were offered to this site, and what is said to them');
  const reference = 'the plan’s digest, or the run’s id';

  ofSite(plan, 'list', 'every plan that was offered, and what became of it').action(async (options) =>
    (await commands.plan()).list(options, terminal),
  );
  ofSite(plan, 'show', 'one plan: what is asked, of which patients, what leaves, and what that can reveal')
    .argument('<digest>', reference)
    .action(async (digest: string, options) => (await commands.plan()).show(digest, options, terminal));
  ofSite(plan, 'diff', 'how a plan differs from another, or from the one approved last in its study')
    .argument('<digest>', reference)
    .argument('[other]', 'the plan to compare it with')
    .action(async (digest: string, other: string | undefined, options) =>
      (await commands.plan()).diff(digest, other, options, terminal),
    );
  withKey(ofSite(plan, 'approve', 'put your signature under a plan, for one run'))
    .argument('<digest>', reference)
    .option('--yes', 'do not ask')
    .addHelpText('after', example('plan approve DIGEST --key officer.key --settings agent.yaml'))
    .action(async (digest: string, options) => (await commands.decide()).approve(digest, options, terminal));

  const words = {
    reject: 'refuse the run that waits with this plan',
    withdraw: 'take an approval back for good: no further round of this run',
    suspend: 'stop all work on a plan at once, in every run, until it is resumed',
    resume: 'take back a suspension of your own',
  } as const;
  for (const word of Object.keys(words) as (keyof typeof words)[]) {
    ofSite(plan, word, words[word])
      .argument('<digest>', reference)
      .addOption(new Option('--as <role>', 'who says so').choices(APPROVER_ROLES).makeOptionMandatory())
      .addHelpText('after', example(`plan ${word} DIGEST --as data-protection-officer --settings agent.yaml`))
      .action(async (digest: string, options) => (await commands.decide()).say(word, digest, options, terminal));
  }
}

function describeStanding(program: Command, { ofSite }: Makers, terminal: Terminal): void {
  const standing = program.command('standing').description('approvals of runs to come');
  withKey(ofSite(standing, 'grant', 'sign that runs with these data and this model may begin without asking'))
    .requiredOption('--study <name>', 'the study')
    .requiredOption('--plan <file|digest>', 'a plan with the model that is meant: a file, or one that was offered here')
    .requiredOption('--rounds <number>', 'rounds of all runs together', readRounds)
    .requiredOption('--until <date>', 'the last day, by UTC, as 2027-06-30', readLastDay)
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      example(
        'standing grant --study lung --plan DIGEST --rounds 200 --until 2027-06-30 --key officer.key --settings agent.yaml',
      ),
    )
    .action(async (options) => (await commands.standing()).grant(options, terminal));
  ofSite(standing, 'list', 'those in force, and what is left of them').action(async (options) =>
    (await commands.standing()).list(options, terminal),
  );
  ofSite(standing, 'withdraw', 'end one: it covers no further run')
    .argument('<digest>', 'as standing list shows it')
    .action(async (digest: string, options) => (await commands.standing()).withdraw(digest, options, terminal));
}

function describeKeys(program: Command, { command, ofSite }: Makers, terminal: Terminal): void {
  ofSite(program, 'rekey', 'give this site another signing key; the agent must not run')
    .addHelpText('after', example('rekey --settings agent.yaml'))
    .action(async (options) => (await commands.rekey()).rekey(options, terminal));
  const key = program.command('key').description('signing keys of the people who decide');
  command(key, 'create', 'make a signing key, sealed by a passphrase')
    .requiredOption('--out <file>', 'the file to write')
    .option('--passphrase-file <file>', 'a file with the passphrase (it is asked for, twice)')
    .option('--no-passphrase', 'do not seal it: for machines, on a disk that nobody else reads')
    .addHelpText('after', example('key create --out officer.key'))
    .action(async (options) => (await commands.key()).create(options, terminal));
  withKey(command(key, 'show', 'the public part of a key, as settings name it')).action(async (options) =>
    (await commands.key()).show(options, terminal),
  );
}

const withKey = (command: Command): Command =>
  command
    .option('--key <file>', 'your key file')
    .option('--passphrase-file <file>', 'a file with its passphrase (it is asked for)')
    .option('--pkcs11 <module>', 'or: the PKCS #11 library of your card or token')
    .option('--key-label <label>', 'the label of the Ed25519 key on it')
    .option('--token-label <label>', 'the token, where there are several')
    .option('--pin-file <file>', 'a file with its PIN (it is asked for)');

const example = (words: string): string => `\nExample:\n  consilium agent ${words}`;

function readRounds(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 999999');
  return Number(text);
}

const DAY_MS = 86_400_000;

/** The first instant after the day. */
function readLastDay(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // 31 February is read as a day in March by some.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new InvalidArgumentError('a day, as 2027-06-30');
  }
  return ms + DAY_MS;
}
