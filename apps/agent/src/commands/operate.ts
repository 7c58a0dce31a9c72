import { join } from 'node:path';
import { STATE_FILES } from '../agent.js';
import { askAgent } from '../control/client.js';
import { decisionSchema, plansSchema, statusSchema, type Status } from '../control/protocol.js';
import { readSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';

export interface OperateOptions {
  readonly settings: string;
  readonly json?: boolean;
}

const socketOf = async ({ settings }: OperateOptions, { env }: Terminal): Promise<string> =>
  join((await readSettings(settings, env)).state, STATE_FILES.socket);

export async function status(options: OperateOptions, terminal: Terminal): Promise<void> {
  const reply = await askAgent(await socketOf(options, terminal), { command: 'status' }, statusSchema);
  if (options.json) return terminal.out(JSON.stringify(reply));
  for (const line of statusLines(reply)) terminal.out(line);
}

export async function plans(options: OperateOptions, terminal: Terminal): Promise<void> {
  const reply = await askAgent(await socketOf(options, terminal), { command: 'plans' }, plansSchema);
  if (options.json) return terminal.out(JSON.stringify(reply));
  if (reply.plans.length === 0) return terminal.out('No plan waits for approval.');
  for (const { text, planDigest } of reply.plans) {
    terminal.out(
      `${text}\n\nTo take part:  consilium agent approve ${planDigest}\nTo refuse:     consilium agent reject ${planDigest}\n`,
    );
  }
}

/** Approves or rejects the plan that waits under this digest (or run id). */
export async function decide(
  command: 'approve' | 'reject',
  reference: string,
  options: OperateOptions,
  terminal: Terminal,
): Promise<void> {
  const reply = await askAgent(await socketOf(options, terminal), { command, reference }, decisionSchema);
  if (options.json) return terminal.out(JSON.stringify(reply));
  terminal.out(reply.approved ? 'Approved for this one run.' : `Rejected (${reply.code ?? 'PLAN_REJECTED'}).`);
}

function statusLines(status: Status): string[] {
  const { site, connected, engine, sandbox, approve, working, runs, bytesUp, bytesDown } = status;
  const work = working
    ? `${working.run}${working.round ? `, round ${working.round}` : ', evaluation'}${working.steps ? `, step ${working.step} of ${working.steps}` : ''}`
    : 'nothing';
  return [
    `site ${site}: ${connected ? 'connected' : 'not connected'}; engine ${engine.name} ${engine.version}, sandbox ${sandbox}, approve ${approve}`,
    `at work on: ${work}`,
    `bytes sent ${bytesUp}, received ${bytesDown} since the start`,
    ...runs.map(
      ({ run, decision, code, ended }) => `${run}: ${decision}${code ? ` (${code})` : ''}${ended ? `, ${ended}` : ''}`,
    ),
  ];
}
