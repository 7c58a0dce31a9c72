import { join } from 'node:path';
import { type Lock, lockState } from '@consilium/machine';
import type { Clock } from '@consilium/stdx';
import type { SiteChannel } from '@consilium/wire';
import { Consent, type ConsentPorts } from './consent.js';
import { agentAnswers } from './control/client.js';
import { ControlServer } from './control/server.js';
import { controlsOf } from './controls.js';
import { isFatal } from './fatal.js';
import { follower } from './follow.js';
import { Guard } from './guard.js';
import { WireUplink } from './hub/uplink.js';
import { FileJournal } from './journal/file.js';
import type { Log } from './log.js';
import { ModelSource } from './models.js';
import type { Progress, Trainer } from './ports.js';
import { Runs } from './runs.js';
import { keepSession } from './session.js';
import type { Settings } from './settings.js';
import { VERSION } from './version.js';
import { performer } from './work.js';
import { Worklist } from './worklist.js';

/** What an agent needs of the world; `main.ts` binds the real ones. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly trainer: Trainer;
  readonly channel: Pick<SiteChannel, 'openSession' | 'download' | 'upload' | 'close' | 'bytesUp' | 'bytesDown'>;
}

export interface Agent {
  /** Rejects with what made the agent end by itself; otherwise settles after `stop`. */
  readonly ended: Promise<void>;
  /** Lets go of everything: training, session, socket, journal, lock. */
  stop(): Promise<void>;
}

export const STATE_FILES = { journal: 'journal.jsonl', socket: 'control.sock' } as const;

/**
 * Starts the agent: lock, journal, engine, operator's socket, session, in this order. It says nothing to anybody before
 * its journal was replayed without a fault and the training process was found fit.
 */
export async function startAgent(settings: Settings, ports: AgentPorts): Promise<Agent> {
  const undo: (() => Promise<unknown> | void)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await assemble(settings, ports, undo, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function assemble(
  settings: Settings,
  ports: AgentPorts,
  undo: (() => Promise<unknown> | void)[],
  stopAll: () => Promise<void>,
): Promise<Agent> {
  const { clock, random, log, trainer, channel } = ports;
  const { site, datasets } = settings;
  const socket = join(settings.state, STATE_FILES.socket);
  undo.push(() => channel.close());

  const lock: Lock = await lockState(settings.state, () => agentAnswers(socket));
  undo.push(() => lock.release());
  const { journal, entries } = await FileJournal.open(join(settings.state, STATE_FILES.journal), clock);
  undo.push(() => journal.close());
  const runs = new Runs(journal, entries);

  undo.push(() => trainer.close());
  const { sandbox, ...engine } = await trainer.open();
  await runs.write({ type: 'agent.started', version: VERSION, engine, sandbox });
  log.info({ engine, sandbox, entries: entries.length }, 'agent started');

  const uplink = new WireUplink(channel, clock, random);
  const guard = new Guard(runs, uplink);
  const models = new ModelSource(uplink.download);
  const stopping = new AbortController();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));

  const answer = answerer(guard, log);
  const consent = new Consent(settings, { runs, trainer, clock, answer });
  const view: { connected: boolean; progress: Progress | null } = { connected: false, progress: null };
  const hospital = { site, datasets, runs, models, trainer, guard };
  const perform = performer({ hospital, clock, log, fatal: fail, watch: (progress) => (view.progress = progress) });
  const worklist = new Worklist((assignment, signal) => {
    view.progress = null;
    return perform(assignment, signal);
  });
  undo.push(() => worklist.close());

  const facts = { site, engine, sandbox, approve: settings.approve };
  const control = await ControlServer.listen(socket, controlsOf({ facts, view, runs, consent, worklist, channel }));
  undo.push(() => control.close());

  const follow = follower({ runs, consent, worklist, log, channel, fail });
  const session = keepSession(
    { site, guard, uplink, clock, random, log, follow, connected: (yes) => (view.connected = yes) },
    stopping.signal,
  );
  undo.push(
    () => session.catch(() => {}),
    () => stopping.abort(),
  );

  const ended = Promise.race([session, failed]);
  ended.catch(() => {}); // whoever waits for it hears of it
  return { ended, stop: stopAll };
}

/** Tells the coordinator a decision. What cannot be told now is asked again when the next session opens. */
function answerer(guard: Guard, log: Log): ConsentPorts['answer'] {
  return async (run, planDigest, decision) => {
    const code = decision.approved ? null : decision.code;
    log.info({ run, planDigest, approved: decision.approved, by: decision.by, code }, 'plan decided');
    try {
      await guard.send({ kind: 'plan-decision', run, planDigest, approved: decision.approved, code });
    } catch (error) {
      if (isFatal(error)) throw error;
      log.warn({ run, err: error }, 'the decision waits for the next session');
    }
  };
}
