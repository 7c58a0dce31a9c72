import type { Status } from '../control/replies.js';
import type { Terminal } from '../terminal.js';
import { siteAgent, type SiteOptions } from './site-agent.js';

/** `agent status`: what the running agent is at. */
export async function status(options: SiteOptions, terminal: Terminal): Promise<void> {
  const { ask } = await siteAgent(options, terminal);
  const reply = await ask({ command: 'status' });
  if (options.json) return terminal.out(JSON.stringify(reply));
  for (const line of statusLines(reply)) terminal.out(line);
}

function statusLines(status: Status): string[] {
  const { site, connected, engine, sandbox, approve, working, runs, witness, bytesUp, bytesDown } = status;
  const work = working
    ? `${working.run}${working.round ? `, round ${working.round}` : ', evaluation'}${working.steps ? `, step ${working.step} of ${working.steps}` : ''}`
    : 'nothing';
  return [
    `site ${site}: ${connected ? 'connected' : 'not connected'}; engine ${engine.name} ${engine.version}, sandbox ${sandbox}, approve ${approve}`,
    `at work on: ${work}`,
    `certificate until ${new Date(status.certificateEndsMs).toISOString()}`,
    `bytes sent ${bytesUp}, received ${bytesDown} since the start`,
    ...(witness.refused === null ? [] : [`no work for this coordinator: its log was refused (${witness.refused})`]),
    ...runs.map(
      ({ run, decision, code, suspended, ended }) =>
        `${run}: ${decision}${code ? ` (${code})` : ''}${suspended.length > 0 ? `, suspended by ${suspended.join(', ')}` : ''}${ended ? `, ${ended}` : ''}`,
    ),
  ];
}
