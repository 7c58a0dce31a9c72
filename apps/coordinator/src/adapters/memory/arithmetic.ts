import type { Graph } from '@consilium/model';
import { admitBytes, aggregateBytes, initialModel } from '../../aggregate/arithmetic.js';
import type { AdmissionTerms, AggregationWork, Arithmetic } from '../../ports.js';

/** The same arithmetic on the spot, for tests and small tools: it blocks whoever calls it. */
export class InlineArithmetic implements Arithmetic {
  async initialise(graph: Graph, seed: number): Promise<Uint8Array> {
    return initialModel(graph, seed);
  }

  async admit(update: Uint8Array, terms: AdmissionTerms): Promise<void> {
    admitBytes(update, terms);
  }

  async aggregate(work: AggregationWork): Promise<Uint8Array> {
    return aggregateBytes(work);
  }

  async close(): Promise<void> {
    // Nothing runs.
  }
}
