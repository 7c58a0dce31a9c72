import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@consilium/machine';
import type { SiteEntry } from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import { startAgent, type Agent, type AgentPorts } from './agent.js';
import { openChannel } from './channel.js';
import { certificatesOf, writeSite, type Certificates } from './federation.fixture.js';
import { TestHub } from './hub.fixture.js';
import { readIdentity } from './identity.js';
import { readLog } from './ledger/open.js';
import { readSettings } from './settings.js';
import { memoryLog, MemoryTrainer } from './twins.fixture.js';

export const CERTIFICATES = await certificatesOf();

/** A coordinator on a real port, and a site's folder on which an agent may be started as often as it ends. */
export class TestFederation {
  readonly log = memoryLog();
  trainer = new MemoryTrainer();
  readonly #agents: Agent[] = [];

  private constructor(
    readonly folder: string,
    public hub: TestHub,
    readonly port: number,
  ) {}

  static async open(): Promise<TestFederation> {
    const hub = new TestHub();
    const port = await hub.listen(CERTIFICATES.coordinator);
    return new TestFederation(await mkdtemp(join(tmpdir(), 'agent-')), hub, port);
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) await agent.stop();
    await this.hub.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  get socket(): string {
    return join(this.state, 'control.sock');
  }

  async start(
    changes: object = {},
    ports: Partial<Pick<AgentPorts, 'resume' | 'enrolment'>> = {},
    certificates: Certificates = CERTIFICATES,
  ): Promise<Agent> {
    const path = await writeSite(this.folder, certificates, {
      coordinator: { address: `127.0.0.1:${this.port}` },
      datasets: { 'lung-nodule': 'data' },
      approve: 'auto',
      ...changes,
    });
    const settings = await readSettings(path, {});
    const identity = await readIdentity(settings.identity);
    const channel = openChannel(settings, identity);
    const { trainer, log } = this;
    // Certificates last a day here: nobody renews one.
    const enrolment = { renew: () => Promise.reject(new Fault('UNAVAILABLE')), close: () => {} };
    const own = { clock: systemClock, random: () => 0, log: log.log, trainer, identity, channel, enrolment };
    const agent = await startAgent(settings, { ...own, ...ports });
    this.#agents.push(agent);
    return agent;
  }

  async entries(): Promise<readonly SiteEntry[]> {
    const settings = await readSettings(join(this.folder, 'agent.yaml'), {});
    return (await readLog(settings, await readIdentity(settings.identity))).past;
  }

  types = async (): Promise<string[]> => (await this.entries()).map(({ type }) => type);
}
