import { Fault } from '@consilium/stdx';
import { controlSocket } from '../control/address.js';
import { askAgent } from '../control/client.js';
import type { ControlRequest } from '../control/protocol.js';
import type { Replies } from '../control/replies.js';
import { readSettings, type Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';

/** What every command has that speaks of one site. */
export interface SiteOptions {
  readonly settings: string;
  readonly json?: boolean;
}

/** The site of a settings file, and its running agent. */
export interface SiteAgent {
  readonly settings: Settings;
  /** Faults: the agent's own, and UNAVAILABLE where none runs. */
  ask<Request extends ControlRequest>(request: Request): Promise<Replies[Request['command']]>;
}

export async function siteAgent(options: SiteOptions, { env }: Terminal): Promise<SiteAgent> {
  const settings = await readSettings(options.settings, env);
  const socket = controlSocket(settings.state);
  return { settings, ask: (request) => askAgent(socket, request) };
}

/** What a person is asked before something is signed; anything but `yes` ends the command with CANCELLED. */
export async function requireYes(
  question: string,
  { yes }: { readonly yes?: boolean },
  { ask }: Pick<Terminal, 'ask'>,
): Promise<void> {
  if (yes) return;
  if (!ask) throw new Fault('USAGE', { expected: 'a terminal, or --yes' });
  if ((await ask(`${question} Type yes: `, false)).trim().toLowerCase() !== 'yes') throw new Fault('CANCELLED');
}
