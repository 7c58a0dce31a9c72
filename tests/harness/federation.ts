import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api, type RunView } from './api.js';
import { admitSite, foundConsortium, startSignedRun, type Consortium } from './consortium.mjs';
import { freePort } from './postgres.js';
import { AGENT, COORDINATOR, Program } from './program.js';

const FEDERATION = 'test';

export interface FederationOptions {
  readonly sites: readonly string[];
  /** Address that agents dial instead of the coordinator's own, for example a throttle in between. */
  readonly dial?: (site: string, grpcPort: number) => string;
  /** The address the coordinator binds, and the names its certificate carries besides localhost. */
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly sandbox?: 'on' | 'off';
}

/** A real federation in a folder of its own: identities, settings, phantoms, and the programs that one may kill. */
export class Federation {
  readonly dir = mkdtempSync(join(tmpdir(), 'consilium-federation-'));
  readonly agents = new Map<string, Program>();
  consortium!: Consortium;
  coordinator!: Program;
  api!: Api;
  grpcPort = 0;
  httpPort = 0;

  private constructor(readonly options: FederationOptions) {}

  static async create(options: FederationOptions): Promise<Federation> {
    const federation = new Federation(options);
    federation.grpcPort = await freePort();
    federation.httpPort = await freePort();
    const { hosts } = options;
    federation.consortium = await foundConsortium({
      dir: federation.dir,
      federation: FEDERATION,
      ...(hosts && { hosts }),
    });
    federation.#writeSettings();
    for (const [index, site] of options.sites.entries()) {
      const made = Program.node(AGENT, [
        'data',
        'phantom',
        '--study',
        'lung-nodule',
        '--hospital',
        'abcd'[index % 4]!,
        '--site',
        site,
        '--seed',
        '1',
        '--out',
        join(federation.dir, 'data', site),
      ]);
      if ((await made.exit()) !== 0) throw new Error(`no phantoms:\n${made.output}`);
    }
    return federation;
  }

  async startCoordinator(): Promise<void> {
    this.coordinator = Program.node(
      COORDINATOR,
      ['serve', '--settings', join(this.dir, 'coordinator.yaml')],
      this.options.env,
    );
    await this.coordinator.ready();
    this.api = new Api(
      `http://127.0.0.1:${this.httpPort}`,
      readFileSync(join(this.dir, 'coordinator/api-token'), 'utf8').trim(),
    );
    await this.#admitSites();
  }

  async startAgent(site: string): Promise<Program> {
    const agent = Program.node(AGENT, ['serve', '--settings', join(this.dir, `${site}.yaml`)]);
    this.agents.set(site, agent);
    await agent.ready();
    return agent;
  }

  async start(): Promise<void> {
    await this.startCoordinator();
    await Promise.all(this.options.sites.map((site) => this.startAgent(site)));
  }

  /** Registers the study, has the plan completed and signed by two people, and starts a run of it. */
  run(plan: object): Promise<RunView> {
    return startSignedRun(this.api, this.consortium, plan);
  }

  async close(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.kill()));
    await this.coordinator?.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** At the first start only: a site stays what it became. */
  async #admitSites(): Promise<void> {
    const { consortium, api } = this;
    const { host = '127.0.0.1' } = this.options;
    const address = `${host === '0.0.0.0' ? '127.0.0.1' : host}:${this.grpcPort}`;
    for (const site of this.options.sites) {
      if (!consortium.keys[site]) await admitSite(consortium, { site, api, address });
    }
  }

  #writeSettings(): void {
    const { host = '127.0.0.1', dial = (_site, port) => `${host}:${port}`, sandbox = 'on' } = this.options;
    writeFileSync(
      join(this.dir, 'coordinator.yaml'),
      [
        `federation: ${FEDERATION}`,
        'state: coordinator',
        `grpc: {host: ${host}, port: ${this.grpcPort}}`,
        `http: {host: 127.0.0.1, port: ${this.httpPort}}`,
        'identity: identity/coordinator',
        '',
      ].join('\n'),
    );
    for (const site of this.options.sites)
      writeFileSync(
        join(this.dir, `${site}.yaml`),
        [
          `site: ${site}`,
          `federation: ${FEDERATION}`,
          'jurisdiction: DE',
          `state: sites/${site}`,
          `identity: identity/${site}`,
          `coordinator: {address: '${dial(site, this.grpcPort)}'}`,
          `datasets: {lung-nodule: data/${site}}`,
          'engine: auto',
          `sandbox: '${sandbox}'`,
          'approve: auto',
          '',
        ].join('\n'),
      );
  }
}

/** A plan small enough for a test: a few steps of a small network; `wide` makes its update about as many bytes. */
export function smallPlan(options: {
  sites: readonly string[];
  rounds?: number;
  localSteps?: number;
  wide?: number;
  seed?: number;
}): object {
  const { sites, rounds = 2, localSteps = 6, wide = 16, seed = 1 } = options;
  return {
    schema: 'consilium.plan/1',
    study: 'lung-nodule',
    title: 'A small plan',
    purpose: 'To test the whole.',
    federation: FEDERATION,
    sites,
    task: { kind: 'binary-classification', classes: ['no-nodule', 'nodule'] },
    preprocessing: { size: [16, 16], normalise: 'per-image' },
    model: {
      layers: [
        { type: 'input', name: 'image', shape: [16, 16, 1] },
        { type: 'conv2d', name: 'conv1', filters: 4, kernel: [3, 3] },
        { type: 'activation', name: 'relu1', function: 'relu' },
        { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
        { type: 'flatten', name: 'flat' },
        { type: 'dense', name: 'hidden', units: wide },
        { type: 'activation', name: 'relu2', function: 'relu' },
        { type: 'dense', name: 'logit', units: 1 },
      ],
    },
    training: {
      loss: 'binary-cross-entropy',
      optimizer: { type: 'sgd', learningRate: 0.05 },
      batchSize: 16,
      localSteps,
    },
    rounds: { count: rounds, minSites: sites.length, deadlineSeconds: 300 },
    aggregation: { method: 'fedavg', normBound: 100 },
    privacy: { mode: 'plain' },
    seed,
  };
}
