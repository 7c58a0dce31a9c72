import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeKeyFile, encodePublicKey } from '@consilium/identity';
import type { Digest, RunId } from '@consilium/stdx';
import { StandingGrants } from './approval/standing-grants.js';
import { openApprovals } from './approvals.js';
import { runCommand } from './cli.js';
import { Consent } from './consent.js';
import { controlSocket } from './control/address.js';
import { ControlServer } from './control/server.js';
import { controlsOf } from './controls.js';
import { FEDERATION, keyOf, ROOT, ROSTER_DOCUMENT } from './keys.fixture.js';
import { ENROLLED, MemoryDocuments, memoryLedger } from './ledger.fixture.js';
import type { Decision } from './ledger/runs.js';
import type { Assignment } from './offers.js';
import type { SessionMessage } from './outgoing.js';
import { KEY, SITE } from './plan.fixture.js';
import { Rosters } from './rosters.js';
import type { Settings } from './settings.js';
import { memoryTerminal } from './terminal.fixture.js';
import { clockAt, ENGINE, memoryLog, MemoryTrainer } from './twins.fixture.js';
import { Worklist } from './worklist.js';

export const PASSPHRASE = 'correct horse battery';
export const OPERATOR = keyOf('operator');
export const OFFICER = keyOf('officer');
/** Sealing takes its time, once. */
const SEALED = encodeKeyFile(OFFICER, PASSPHRASE);
/** What the settings of the fixture's hospital say. */
export const APPROVERS: Settings['approvers'] = [
  { role: 'operator', signing: encodePublicKey(OPERATOR.publicKey) },
  { role: 'data-protection-officer', signing: encodePublicKey(OFFICER.publicKey) },
];

/** An agent's desk with its socket, its settings file and its people's keys, before a coordinator that is not there. */
export class TestHospital {
  readonly trainer = new MemoryTrainer();
  readonly clock = clockAt();
  readonly answers: { run: RunId; planDigest: Digest; decision: Decision }[] = [];
  readonly withdrawn: RunId[] = [];
  readonly sent: SessionMessage[] = [];
  /** Assignments whose work was ended. */
  readonly stopped: Assignment[] = [];
  readonly diary = memoryLog();
  worklist!: Worklist;
  consent!: Consent;
  #control: ControlServer | undefined;

  private constructor(
    readonly folder: string,
    readonly rules: Pick<Settings, 'approve' | 'approvers'>,
    readonly memory: ReturnType<typeof memoryLedger>,
  ) {}

  static async open(rules: Partial<Pick<Settings, 'approve' | 'approvers'>> = {}): Promise<TestHospital> {
    const folder = await mkdtemp(join(tmpdir(), 'people-'));
    const documents = new MemoryDocuments();
    await documents.put(ROSTER_DOCUMENT);
    const whole = { approve: 'manual' as const, approvers: APPROVERS, ...rules };
    const hospital = new TestHospital(folder, whole, memoryLedger(ENROLLED, documents));
    await hospital.#writeFiles();
    await hospital.start();
    return hospital;
  }

  get settings(): string {
    return join(this.folder, 'agent.yaml');
  }

  /** A person's key file: the operator's is open, the officer's sealed. */
  keyFile = (who: 'operator' | 'officer' | 'stranger'): string => join(this.folder, `${who}.key`);

  /** Starts the desk, or starts it again with what its log says. */
  async start(): Promise<void> {
    await this.#control?.close();
    const { trainer, clock, folder, rules, sent, diary } = this;
    const { ledger } = this.memory;
    const rosters = await Rosters.open(
      { ledger, federation: FEDERATION, rootPem: ROOT.certificatePem },
      ROSTER_DOCUMENT,
    );
    const { approvals, signers, standing } = openApprovals(rules, { signing: KEY, ledger, clock });
    const datasets = { 'lung-nodule': '/data' };
    const terms = { site: SITE, federation: FEDERATION, jurisdiction: 'DE', signing: KEY.publicKey, datasets };
    this.consent = new Consent(terms, {
      ...{ ledger, rosters, approvals, trainer, clock },
      answer: async (run, planDigest, decision) => void this.answers.push({ run, planDigest, decision }),
      withdrawn: async (run) => void this.withdrawn.push(run),
    });
    this.worklist = new Worklist(
      (assignment, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => (this.stopped.push(assignment), resolve()))),
    );
    const controls = controlsOf({
      ...{ ledger, approvals, standing, rootPem: ROOT.certificatePem, worklist: this.worklist, consent: this.consent },
      facts: { site: SITE, engine: ENGINE, sandbox: 'on', approve: rules.approve },
      view: { connected: true, progress: null, certificateEndsMs: Date.UTC(2026, 10, 26) },
      grants: new StandingGrants({ ...terms, ledger, signers, trainer, clock }),
      guard: { send: async (message) => void sent.push(message) },
      channel: { bytesUp: 0, bytesDown: 0 },
      log: { note: undefined },
      diary: diary.log,
    });
    this.#control = await ControlServer.listen(controlSocket(join(folder, 'state')), controls);
  }

  async stop(): Promise<void> {
    await this.worklist.close();
    await this.#control?.close();
    this.#control = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A command as a person types it; `answers` are what they type when they are asked. */
  async agent(args: readonly string[], answers?: readonly string[]) {
    const terminal = memoryTerminal({}, answers);
    const exit = await runCommand([...args, '--settings', this.settings], terminal.terminal);
    return { exit, text: terminal.out.join('\n'), errors: terminal.err.join('\n'), ...terminal };
  }

  types = (): string[] => this.memory.types();

  async #writeFiles(): Promise<void> {
    await mkdir(join(this.folder, 'state'));
    const { approve, approvers } = this.rules;
    const own = { site: SITE, federation: FEDERATION, jurisdiction: 'DE', state: 'state' };
    await writeFile(this.settings, JSON.stringify({ ...own, approve, approvers, coordinator: { address: 'hub:1' } }));
    await writeFile(this.keyFile('operator'), encodeKeyFile(OPERATOR));
    await writeFile(this.keyFile('officer'), SEALED);
    await writeFile(this.keyFile('stranger'), encodeKeyFile(keyOf('stranger')));
  }
}
