import { join } from 'node:path';
import { diskFiles } from '@consilium/archive';
import { type Lock, lockState } from '@consilium/machine';
import type { Clock } from '@consilium/stdx';
import type { EnrolmentChannel, SiteChannel } from '@consilium/wire';
import { recordPolicy } from './approval/policy.js';
import { StandingGrants } from './approval/standing-grants.js';
import { approversOf, openApprovals } from './approvals.js';
import { Consent, type ConsentPorts } from './consent.js';
import { controlSocket } from './control/address.js';
import { agentAnswers } from './control/client.js';
import { ControlServer } from './control/server.js';
import { controlsOf } from './controls.js';
import { finishChange } from './enrolment/change.js';
import { lifeOf } from './enrolment/own-leaf.js';
import { recordIdentity, renewalRecords } from './enrolment/record.js';
import { keepRenewed } from './enrolment/renewal.js';
import { Turnover } from './enrolment/turnover.js';
import { isFatal } from './fatal.js';
import { follower } from './follow.js';
import { Guard } from './guard.js';
import { WireUplink } from './hub/uplink.js';
import type { Identity } from './identity.js';
import { signingTerms } from './ledger/key-terms.js';
import { documentsOf, LEDGER_FOLDERS, openLog } from './ledger/open.js';
import { SiteLedger } from './ledger/site-ledger.js';
import type { Log } from './log.js';
import { ModelSource } from './models.js';
import { Outbox } from './outbox.js';
import { OwnLog } from './own-log.js';
import { Permits } from './permits.js';
import type { Progress, Trainer } from './ports.js';
import { Rosters } from './rosters.js';
import { keepSession } from './session.js';
import type { Settings } from './settings.js';
import { Tally } from './tally.js';
import { teller } from './tell.js';
import { VERSION } from './version.js';
import { CoordinatorWitness } from './witness.js';
import { performer } from './work.js';
import { Worklist } from './worklist.js';

/** What an agent needs of the world; `main.ts` binds the real ones. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly trainer: Trainer;
  readonly identity: Identity;
  readonly channel: Pick<
    SiteChannel,
    'openSession' | 'download' | 'upload' | 'replaceCertificate' | 'close' | 'bytesUp' | 'bytesDown'
  >;
  /** Where certificates are renewed; it shows none. */
  readonly enrolment: Pick<EnrolmentChannel, 'renew' | 'close'>;
  /** The operator's word: work again for a coordinator whose log was refused before. */
  readonly resume?: boolean;
}

export interface Agent {
  /** Rejects with what made the agent end by itself; otherwise settles after `stop`. */
  readonly ended: Promise<void>;
  /** Lets go of everything: training, session, socket, log, lock. */
  stop(): Promise<void>;
}

type Undo = (() => Promise<unknown> | void)[];

/**
 * Starts the agent: lock, log, engine, operator's socket, session, in this order. It says nothing to anybody before its
 * log was replayed without a fault and the training process was found fit.
 */
export async function startAgent(settings: Settings, ports: AgentPorts): Promise<Agent> {
  const undo: Undo = [];
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
  undo: Undo,
  stopAll: () => Promise<void>,
): Promise<Agent> {
  const { clock, random, log, trainer, channel, enrolment, identity } = ports;
  const { site, datasets, federation, jurisdiction, state } = settings;
  const socket = controlSocket(state);
  undo.push(
    () => channel.close(),
    () => enrolment.close(),
  );
  approversOf(settings);

  const lock: Lock = await lockState(state, () => agentAnswers(socket));
  undo.push(() => lock.release());
  await finishChange(settings.identity);
  const opened = await openLog(settings, identity, clock);
  undo.push(() => opened.log.close());
  const ledger = new SiteLedger(opened.log, documentsOf(settings), opened.past);

  undo.push(() => trainer.close());
  const { sandbox, ...engine } = await trainer.open();
  const { name, version, deterministic } = engine;
  await ledger.write({
    type: 'software.started',
    program: 'agent',
    version: VERSION,
    engine: { name, version, deterministic },
    sandbox,
  });
  await recordIdentity(ledger, identity);
  await recordPolicy(ledger, settings);
  if (ports.resume && ledger.watched.refused) await ledger.write({ type: 'witness.resumed', by: 'operator' });
  const rosters = await Rosters.open({ ledger, federation, rootPem: identity.rootPem }, identity.roster);
  const outbox = new Outbox(join(state, LEDGER_FOLDERS.outbox));
  await outbox.sweep(ledger.rounds.outstanding());
  log.info({ engine, sandbox, entries: opened.past.length, roster: rosters.current.version }, 'agent started');
  if (ledger.watched.refused)
    log.error({ code: ledger.watched.refused }, 'no work for this coordinator: see serve --resume');

  const key = identity.signing;
  const { approvals, signers, standing } = openApprovals(settings, { signing: key, ledger, clock });
  const permits = new Permits({ ledger, rosters, approvals, clock });
  const tally = new Tally(ledger);
  const uplink = new WireUplink(channel, clock, random);
  const guard = new Guard({ ledger, permits, tally, uplink, signing: key.publicKey });
  const witness = new CoordinatorWitness({ site, federation, key, ledger, rosters, clock, notes: diskFiles(state) });
  const signing = signingTerms(identity, opened.past, opened.sharded.origins);
  const ownLog = new OwnLog({ federation, log: opened.sharded, signing, ledger, rosters, guard, clock, diary: log });
  undo.push(() => ownLog.close());
  const models = new ModelSource(uplink.download);
  const stopping = new AbortController();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));

  const view: { connected: boolean; progress: Progress | null; certificateEndsMs: number } = {
    connected: false,
    progress: null,
    certificateEndsMs: lifeOf(identity.certificatePem).notAfterMs,
  };
  const hospital = { site, datasets, permits, ledger, models, trainer, outbox, key, guard };
  const perform = performer({
    hospital,
    clock,
    log,
    published: () => ownLog.publishSoon(fail),
    fatal: fail,
    watch: (progress) => (view.progress = progress),
  });
  const worklist = new Worklist((assignment, signal) => {
    view.progress = null;
    return perform(assignment, signal);
  });
  undo.push(() => worklist.close());
  const tell: Pick<ConsentPorts, 'answer' | 'withdrawn'> = teller({ guard, ledger, worklist, ownLog, log });
  const terms = { site, federation, jurisdiction, signing: key.publicKey, datasets };
  const consent = new Consent(terms, { ledger, rosters, approvals, trainer, clock, ...tell });

  const facts = { site, engine, sandbox, approve: settings.approve };
  const { rootPem } = identity;
  const grants = new StandingGrants({ site, federation, datasets, ledger, signers, trainer, clock });
  const people = { consent, approvals, standing, grants };
  const sight = { facts, view, rootPem, ledger, log: opened.sharded, worklist, guard, channel, diary: log };
  const control = await ControlServer.listen(socket, controlsOf({ ...people, ...sight }), (error) => {
    if (isFatal(error)) fail(error);
  });
  undo.push(() => control.close());

  const follow = follower({ ledger, consent, worklist, witness, ownLog, outbox, tally, guard, log, channel, fail });
  const connected = (yes: boolean): void => void (view.connected = yes);
  const turnover = new Turnover(
    () => worklist.current === undefined,
    () => uplink.closeSession(),
  );
  const renewal = keepRenewed(
    {
      ...{ site, federation, identity, clock, random, log, folder: settings.identity, channel: enrolment },
      ...renewalRecords(ledger),
      use: ({ certificatePem: certificate, privateKeyPem: privateKey }) => {
        channel.replaceCertificate({ ca: rootPem, certificate, privateKey });
        view.certificateEndsMs = lifeOf(certificate).notAfterMs;
        turnover.request();
      },
    },
    stopping.signal,
  );
  const session = renewal.ready.then(() =>
    keepSession(
      { site, guard, uplink, witness, ownLog, tally, clock, random, log, follow, connected, turnover },
      stopping.signal,
    ),
  );
  undo.push(
    () => Promise.allSettled([session, renewal.ended]),
    () => stopping.abort(),
  );

  const ended = Promise.race([session, failed, renewal.ended.then(() => session)]);
  ended.catch(() => {}); // whoever waits for it hears of it
  return { ended, stop: stopAll };
}
