import { Fault, type SiteName } from '@consilium/stdx';
import { connect, printJson, printLines, type ConnectedOptions, type Context } from './context.js';

interface AdmitOptions extends ConnectedOptions {
  readonly rootKey?: string;
  readonly roster?: string;
  readonly yes?: boolean;
}

/** `site admit`: the root's key is here, or the roster was signed where it is. */
export async function admit(context: Context, name: string, options: AdmitOptions): Promise<void> {
  const { rootKey, roster } = options;
  if ((rootKey === undefined) === (roster === undefined))
    throw new Fault('USAGE', { expected: 'either --root-key or --roster' });
  if (roster !== undefined) return admitWithRoster(context, name, roster, options);

  const [coordinator, { admitSite }, { rootFolderOf }, { systemClock }] = await Promise.all([
    connect(context, options),
    import('../site/admit.js'),
    import('../site/roster-change.js'),
    import('../clock.js'),
  ]);
  const isSame = (words: string): Promise<boolean> => compare(context, name, words, options);
  const root = rootFolderOf(rootKey!);
  const { words, version } = await admitSite(coordinator, { site: name, root, isSame, nowMs: systemClock.now() });
  tell(context, options, { site: name, words, roster: version });
}

async function admitWithRoster(context: Context, name: string, file: string, options: AdmitOptions): Promise<void> {
  const [coordinator, { readRosterFile }] = await Promise.all([
    connect(context, options),
    import('../site/roster-change.js'),
  ]);
  await coordinator.admit(name, await readRosterFile(file));
  tell(context, options, { site: name });
}

/** The one step that no machine can do: somebody who knows the hospital hears its words from the hospital. */
async function compare(context: Context, name: string, words: string, { yes, json }: AdmitOptions): Promise<boolean> {
  const { terminal } = context;
  const say = json ? terminal.err : terminal.out;
  say(`The key of ${name}, in six words:`);
  say('');
  say(`  ${terminal.paint.bold(words)}`);
  say('');
  if (yes) return true;
  say(`Call ${name} at a number that you know. Its administrator sees the words with: consilium agent identity`);
  const { confirmed } = await import('../text/confirm.js');
  return confirmed(terminal, 'Do they read the same six words to you?', '--yes once the words were compared');
}

function tell(
  context: Context,
  { json }: AdmitOptions,
  admitted: { readonly site: string; readonly words?: string; readonly roster?: number },
): void {
  if (json) return printJson(context, admitted);
  const { site, roster } = admitted;
  context.terminal.out(`${site} is admitted${roster === undefined ? '' : ` with roster ${roster}`}.`);
}

/** `site draft-roster`: everything but the signature, for a root whose key never meets a network. */
export async function draft(
  context: Context,
  name: string,
  options: ConnectedOptions & { readonly root: string; readonly out: string; readonly current?: string },
): Promise<void> {
  const [coordinator, { draftRoster, readRootPem }, { wordsOf }, { writeFileWhole, exists }, { systemClock }] =
    await Promise.all([
      connect(context, options),
      import('../site/roster-change.js'),
      import('../site/tables.js'),
      import('../files.js'),
      import('../clock.js'),
    ]);
  const { out, current } = options;
  if (await exists(out)) throw new Fault('ALREADY_EXISTS', { file: '--out' });
  const rootPem = await readRootPem(options);
  const waiting = (await coordinator.enrolments()).find(({ site }) => site === name);
  if (!waiting) throw new Fault('NOT_FOUND', { site: name, expected: 'a site that waits' });
  const { signing, jurisdiction } = waiting;
  const site = { name: name as SiteName, signing, jurisdiction };
  const drafted = await draftRoster(coordinator, [{ kind: 'admit', site }], { rootPem, nowMs: systemClock.now() });
  await writeFileWhole(out, `${JSON.stringify(drafted.next, null, 2)}\n`);
  if (current !== undefined) await writeFileWhole(current, drafted.current);
  if (options.json) return printJson(context, { out, version: drafted.next.version, words: wordsOf(signing) });
  printLines(context, [
    `Wrote ${out}: roster ${drafted.next.version}, with ${name} and this key:`,
    `  ${wordsOf(signing)}`,
    `Call ${name} at a number that you know, and compare the words before you sign.`,
    `Where the root’s key is: consilium ca sign-roster --roster ${out} --out roster-${drafted.next.version}.json`,
    `Then here: consilium site admit ${name} --roster roster-${drafted.next.version}.json`,
  ]);
}
