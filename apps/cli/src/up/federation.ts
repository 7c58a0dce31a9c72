import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, invariant, type Clock } from '@consilium/stdx';
import type { Connection } from '../api/coordinator.js';
import { apiFilePath } from '../connection.js';
import { exists, readTextFile, writeFileWhole } from '../files.js';
import type { Locate } from '../programs/locate.js';
import { childEnv, type Children } from './children.js';
import type { Layout } from './layout.js';
import { PeakMemory } from './memory.js';
import { PidFiles } from './pid-files.js';
import { freePorts } from './ports.js';
import { apiUrl, coordinatorSettings, siteSettings, type Ports, type SiteTerms } from './settings.js';
import { Supervisor, type SupervisorLimits } from './supervisor.js';

export interface FederationPorts {
  readonly layout: Layout;
  readonly children: Children;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly locate: Locate;
  readonly limits?: SupervisorLimits;
  readonly say: (line: string) => void;
  readonly gaveUp: (fault: Fault) => void;
}

/** Agents first, so that they close their sessions; with the two seconds of `one-shot.ts` the ten that Ctrl-C promises. */
const AGENT_GRACE_MS = 4_000;
const COORDINATOR_GRACE_MS = 4_000;

const COORDINATOR = 'coordinator';

/** The coordinator and the agents of one state directory, as supervised processes on the loopback address. */
export class Federation {
  readonly #supervisor: Supervisor;
  readonly #peak: PeakMemory;
  readonly #sites: string[] = [];
  #network: { ports: Ports; federation: string } | undefined;

  constructor(private readonly ports: FederationPorts) {
    const { children, clock, say, gaveUp, layout, limits } = ports;
    this.#supervisor = new Supervisor({ children, clock, say, gaveUp, pids: new PidFiles(layout.run) }, limits);
    this.#peak = new PeakMemory(() => this.#supervisor.pidOf(COORDINATOR), clock);
  }

  /** Keys and, once for this start, ports. Answers whether the federation was founded now. */
  async prepare(federation: string): Promise<{ founded: boolean }> {
    const { layout, clock } = this.ports;
    const founded = !(await exists(join(layout.coordinatorIdentity, 'intermediate.pem')));
    // Loaded only where something is missing: the library that makes certificates takes longer than the rest.
    if (founded) await (await import('./founding.js')).foundFederation(layout, federation, clock.now());
    const [http, grpc] = await freePorts(2);
    this.#network = { ports: { http: http!, grpc: grpc! }, federation };
    return { founded };
  }

  /** Resolves when it serves; the other commands find it from then on. */
  async startCoordinator(): Promise<void> {
    const { layout, env, locate } = this.ports;
    const { ports, federation } = this.network;
    await writeFileWhole(layout.coordinatorSettings, coordinatorSettings(layout, federation, ports));
    this.#peak.start();
    await this.#supervisor.start({
      name: COORDINATOR,
      entry: locate('coordinator'),
      args: ['serve', '--settings', layout.coordinatorSettings],
      env: childEnv(env, 'coordinator'),
      log: layout.log(COORDINATOR),
      speaks: 'ipc',
    });
    const api = { url: apiUrl(ports), tokenFile: layout.tokenFile };
    await writeFileWhole(apiFilePath(layout.root), `${JSON.stringify(api)}\n`, 0o600);
  }

  /** What `agent join` and `agent serve` of a site go by. */
  async writeSiteSettings(terms: Omit<SiteTerms, 'ports' | 'federation'>): Promise<void> {
    const { layout } = this.ports;
    await writeFileWhole(layout.siteSettings(terms.site), siteSettings(layout, { ...terms, ...this.network }));
  }

  /** Resolves when the site’s agent serves. */
  async startAgent(site: string): Promise<void> {
    const { layout, env, locate } = this.ports;
    this.#sites.push(site);
    await this.#supervisor.start({
      name: site,
      entry: locate('agent'),
      args: ['serve', '--settings', layout.siteSettings(site)],
      env: childEnv(env, 'agent'),
      log: layout.log(site),
      speaks: 'ipc',
    });
  }

  get url(): string {
    return apiUrl(this.network.ports);
  }

  /** The way to the coordinator's API; its token file is there once it has served. */
  async connection(): Promise<Connection> {
    const token = (await readTextFile(this.ports.layout.tokenFile))?.trim();
    if (!token) throw new Fault('STATE_UNREADABLE', { expected: 'the coordinator’s token file' });
    return { url: this.url, token };
  }

  coordinatorPeakRssBytes = (): Promise<number | null> => this.#peak.read();

  async stop(): Promise<void> {
    this.#peak.stop();
    // The address is free from now on, and whoever takes it next must not be sent the token.
    await rm(apiFilePath(this.ports.layout.root), { force: true });
    await this.#supervisor.stop(this.#sites, AGENT_GRACE_MS);
    await this.#supervisor.stop([COORDINATOR], COORDINATOR_GRACE_MS);
  }

  private get network(): { ports: Ports; federation: string } {
    invariant(this.#network, 'keys and ports come first');
    return this.#network;
  }
}
