import { systemClock } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { startAgent } from '../agent.js';
import { openChannel, openEnrolment } from '../channel.js';
import { IdentityFolder, REQUESTS } from '../enrolment/folder.js';
import { isRekeying } from '../enrolment/rekey.js';
import { readIdentity } from '../identity.js';
import { openLog } from '../log.js';
import { readSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';

import { openTrainer } from '../trainer/trainer.js';
import { unlessInterrupted } from './with-trainer.js';

/** `agent serve`: the site's program, until it is told to stop. */
export async function serve(options: { settings: string; resume?: boolean }, terminal: Terminal): Promise<void> {
  const settings = await readSettings(options.settings, terminal.env);
  const log = openLog(settings.log, terminal.stream, terminal.isTerminal).child({ site: settings.site });
  const { engine, sandbox, python, approve } = settings;
  log.info({ approve, sandbox }, 'agent starting');
  if (approve === 'auto') log.warn('approve: auto — every plan that passes the checks is taken part in without asking');
  if (sandbox === 'off')
    log.warn('sandbox: off — training runs without being cut off from the network; the log records it');

  const identity = await readIdentity(settings.identity);
  if (await isRekeying(new IdentityFolder(settings.identity, REQUESTS.rekey), identity))
    log.warn('a rekeying is under way: once it is admitted this key counts no more, and agent rekey finishes it');
  const channel = openChannel(settings, identity);
  const enrolment = openEnrolment(settings, identity);
  const trainer = openTrainer({ engine, sandbox, python });
  const ports = {
    clock: systemClock,
    random: Math.random,
    log,
    trainer,
    identity,
    channel,
    enrolment,
    resume: options.resume === true,
  };
  const agent = await unlessInterrupted(terminal, trainer, () => startAgent(settings, ports)).catch(
    (error: unknown) => {
      if (terminal.interrupted.aborted && Fault.is(error, 'CANCELLED')) return undefined;
      throw error;
    },
  );
  if (!agent) return log.info('agent stopped before it had started');
  terminal.notify({ ready: true });
  const stopped = new Promise<void>((resolve) => {
    if (terminal.interrupted.aborted) resolve();
    terminal.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    await Promise.race([agent.ended, stopped]);
  } finally {
    await agent.stop();
    log.info('agent stopped');
  }
}
