import { Fault, type Digest } from '@consilium/stdx';
import type { ModelFiles, Registry } from '../ports.js';
import type { ModelVersionRecord } from '../records.js';
import { metricsView } from '../runs/views.js';
import type { ModelSummaryView, ModelView } from './shapes.js';

const CHUNK_BYTES = 256 * 1024;

/** Published models for people. Models of rounds under way are not shown: nobody has agreed to publish them. */
export class ModelCatalog {
  constructor(
    private readonly registry: Registry,
    private readonly files: ModelFiles,
  ) {}

  async list(): Promise<readonly ModelSummaryView[]> {
    return (await this.registry.list()).map(summaryOf);
  }

  async show(digest: Digest): Promise<ModelView> {
    const version = await this.#find(digest);
    return {
      ...summaryOf(version),
      manifest: {
        tensors: version.manifest.tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape] })),
        size: version.manifest.size,
      },
      metrics: version.metrics.map(({ site, metrics, examples }) => {
        return { site, metrics: metrics && metricsView(metrics, examples) };
      }),
      rounds: version.rounds.map((round) => ({ ...round, updates: [...round.updates] })),
    };
  }

  async weights(digest: Digest): Promise<{ bytes: number; chunks: AsyncIterable<Uint8Array> }> {
    await this.#find(digest);
    const bytes = await this.files.size(digest);
    if (bytes === undefined) throw new Fault('NOT_FOUND', { modelDigest: digest });
    return { bytes, chunks: this.files.stream(digest, 0, CHUNK_BYTES) };
  }

  async #find(digest: Digest): Promise<ModelVersionRecord> {
    const version = await this.registry.find(digest);
    if (!version) throw new Fault('NOT_FOUND', { modelDigest: digest });
    return version;
  }
}

const summaryOf = ({ digest, planDigest, run, round, createdMs }: ModelVersionRecord): ModelSummaryView => {
  return { digest, planDigest, run, round, createdMs };
};
