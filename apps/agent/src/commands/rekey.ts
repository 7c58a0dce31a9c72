import { fingerprintWords } from '@consilium/identity';
import { lockState, systemClock } from '@consilium/machine';
import type { Clock } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';
import { openEnrolment } from '../channel.js';
import { controlSocket } from '../control/address.js';
import { agentAnswers } from '../control/client.js';
import { changeIdentity, disk, finishChange, type Disk } from '../enrolment/change.js';
import { IdentityFolder, REQUESTS } from '../enrolment/folder.js';
import { recordIdentity, sizeOf } from '../enrolment/record.js';
import { isRekeying, nextIdentity } from '../enrolment/rekey.js';
import { readIdentity, type Identity } from '../identity.js';
import { documentsOf, openLog } from '../ledger/open.js';
import { SiteLedger } from '../ledger/site-ledger.js';
import { readSettings, type Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import type { SiteOptions } from './site-agent.js';

export interface RekeyWorld {
  readonly clock: Clock;
  readonly openChannel: (
    ...args: Parameters<typeof openEnrolment>
  ) => Pick<EnrolmentChannel, 'rekey' | 'collect' | 'close'>;
  readonly disk: Disk;
}

const WORLD: RekeyWorld = { clock: systemClock, openChannel: openEnrolment, disk };

/**
 * `agent rekey`: gives the site another signing key. Killed anywhere, the site has one whole identity, the old one or the
 * new one, and the same command goes on.
 */
export async function rekey(options: SiteOptions, terminal: Terminal, world: RekeyWorld = WORLD): Promise<void> {
  const settings = await readSettings(options.settings, terminal.env);
  const lock = await lockState(settings.state, () => agentAnswers(controlSocket(settings.state)));
  try {
    const words = await replaceKey(settings, options, terminal, world);
    if (options.json) return terminal.out(JSON.stringify({ state: 'admitted', words }));
    terminal.out('Admitted. From its next entry on, this site’s log is signed with the new key.');
    terminal.out('Plans and standing approvals that name the old key hold no more.');
  } finally {
    await lock.release();
  }
}

async function replaceKey(
  settings: Settings,
  { json }: Pick<SiteOptions, 'json'>,
  terminal: Terminal,
  { clock, openChannel, disk: to }: RekeyWorld,
): Promise<string> {
  const { site, federation, identity: path } = settings;
  await finishChange(path, to);
  const identity = await readIdentity(path);
  const folder = new IdentityFolder(path, REQUESTS.rekey, to);
  const { log, past } = await openLog(settings, identity, clock);
  const channel = openChannel(settings, identity);
  try {
    const ledger = new SiteLedger(log, documentsOf(settings), past);
    await recordIdentity(ledger, identity);
    if (await isDone(folder, identity)) return await finish(folder, identity);
    const change = await nextIdentity({
      ...{ site, federation, identity, folder, channel, clock, signal: terminal.interrupted },
      sending: (request) => ledger.write({ type: 'egress.sent', message: 'rekey', ...sizeOf(request) }),
      onPending: (words) => tellPending(words, site, Boolean(json), terminal),
    });
    await changeIdentity(path, change, to);
    // The old key's log goes on; from this entry on it is the new key's.
    const changed = await readIdentity(path);
    await recordIdentity(ledger, changed);
    return await finish(folder, changed);
  } finally {
    channel.close();
    await log.close();
  }
}

/** Killed after the new identity was there, all that was left to do is to forget the request. */
async function isDone(folder: IdentityFolder, identity: Identity): Promise<boolean> {
  return (await folder.isAsking()) && !(await isRekeying(folder, identity));
}

async function finish(folder: IdentityFolder, { signing }: Identity): Promise<string> {
  await folder.forget();
  return fingerprintWords(signing.publicKey);
}

function tellPending(words: string, site: string, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ state: 'pending', site, words }));
  for (const line of [
    `The six words of the new key of ${site}:`,
    '',
    `    ${words}`,
    '',
    'Read them to the consortium’s administrator on the telephone, who compares them and admits the key with',
    `  consilium site admit ${site}`,
    'Waiting; Ctrl-C stops, and the same command goes on. Until then the old key counts.',
  ])
    terminal.out(line);
}
