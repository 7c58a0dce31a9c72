import { parseJoinToken } from '@consilium/identity';
import { systemClock } from '@consilium/machine';
import { Fault, type Clock } from '@consilium/stdx';
import { enrolmentChannel, type EnrolmentChannel } from '@consilium/wire';
import { IdentityFolder } from '../enrolment/folder.js';
import { joinFederation, type Joined } from '../enrolment/join.js';
import { readSettings, type Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';

export interface JoinOptions {
  readonly settings: string;
  readonly json?: boolean;
}

export interface JoinWorld {
  readonly clock: Clock;
  readonly openChannel: typeof enrolmentChannel;
}

/** `agent join TOKEN`: makes this site's keys, shows its six words, and waits until an administrator has admitted it. */
export async function join(
  text: string,
  { settings: file, json }: JoinOptions,
  terminal: Terminal,
  { clock, openChannel }: JoinWorld = { clock: systemClock, openChannel: enrolmentChannel },
): Promise<void> {
  const token = parseJoinToken(text);
  const settings = await readSettings(file, terminal.env);
  requireFor(token, settings);
  const folder = new IdentityFolder(settings.identity);
  if (await folder.isEnrolled()) throw new Fault('ALREADY_EXISTS', { what: 'this site’s identity' });
  const channel: EnrolmentChannel = openChannel({
    address: settings.coordinator.address,
    rootDigest: token.rootDigest,
  });
  try {
    const joined = await joinFederation(token, {
      folder,
      channel,
      clock,
      signal: terminal.interrupted,
      onPending: (words) => tellPending(words, token.site, Boolean(json), terminal),
    });
    tellJoined(joined, Boolean(json), terminal);
  } finally {
    channel.close();
  }
}

/** A token for another site would be refused there too, but only after keys were made for it. */
function requireFor(token: ReturnType<typeof parseJoinToken>, { site, federation }: Settings): void {
  if (token.federation !== federation) {
    throw new Fault('JOIN_TOKEN_INVALID', { field: 'federation', expected: federation, came: token.federation });
  }
  if (token.site !== site) throw new Fault('JOIN_TOKEN_INVALID', { field: 'site', expected: site, came: token.site });
}

function tellPending(words: string, site: string, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ state: 'pending', site, words }));
  for (const line of [
    `The six words of ${site}:`,
    '',
    `    ${words}`,
    '',
    'Read them to the consortium’s administrator on the telephone, who compares them and admits the site with',
    `  consilium site admit ${site}`,
    'Waiting; Ctrl-C stops, and the same command goes on.',
  ])
    terminal.out(line);
}

function tellJoined({ words, root, roster, notAfterMs }: Joined, json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ state: 'admitted', words, root, roster, notAfterMs }));
  terminal.out(`Admitted. Certificate until ${new Date(notAfterMs).toISOString()}; the agent renews it by itself.`);
  terminal.out('Next: consilium agent check, then consilium agent serve, with the same settings.');
}
