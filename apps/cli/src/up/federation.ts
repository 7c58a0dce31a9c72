import { rm } from 'node:fs/promises';
import { Fault, invariant, type Clock } from '@consilium/stdx';
import type { Connection } from '../api/coordinator.js';
import { apiFilePath } from '../connection.js';
import { readTextFile, writeFileWhole } from '../files.js';
import type { Locate } from '../programs/locate.js';
import { ensureCertificates, type Pki } from './certificates.js';
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
  #network: { ports: Ports; pki: Pki; federation: string } | undefined;

  constructor(private readonly ports: FederationPorts) {
    const { children, clock, say, gaveUp, layout, limits } = ports;
    this.#supervisor = new Supervisor({ children, clock, say, gaveUp, pids: new PidFiles(layout.run) }, limits);
    this.#peak = new PeakMemory(() => this.#supervisor.pidOf(COORDINATOR), clock);
  }

  /** Certificates and, once for this start, ports. */
  async prepare(federation: string, sites: readonly string[]): Promise<Pki> {
    const pki = await ensureCertificates(this.ports.layout, federation, sites, this.ports.clock.now());
    const [http, grpc] = await freePorts(2);
    this.#network = { ports: { http: http!, grpc: grpc! }, pki, federation };
    return pki;
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

  /** Resolves when the site's agent serves. */
  async startAgent(terms: Pick<SiteTerms, 'site' | 'study' | 'folder' | 'engine' | 'sandbox'>): Promise<void> {
    const { layout, env, locate } = this.ports;
    const { ports, pki, federation } = this.network;
    const settings = layout.siteSettings(terms.site);
    await writeFileWhole(settings, siteSettings(layout, { ...terms, ports, federation, pin: pki.coordinatorPin }));
    this.#sites.push(terms.site);
    await this.#supervisor.start({
      name: terms.site,
      entry: locate('agent'),
      args: ['serve', '--settings', settings],
      env: childEnv(env, 'agent'),
      log: layout.log(terms.site),
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

  private get network(): { ports: Ports; pki: Pki; federation: string } {
    invariant(this.#network, 'certificates and ports come first');
    return this.#network;
  }
}
