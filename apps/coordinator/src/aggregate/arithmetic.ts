import { admit, fedavg, type AdmittedUpdate } from '@consilium/aggregation';
import { initialise, type Graph } from '@consilium/model';
import { decodeSafetensors, encodeSafetensors } from '@consilium/weights';
import type { AdmissionTerms, AggregationWork } from '../ports.js';

/** The arithmetic on whole models, from bytes to bytes. It runs in the worker thread, and in tests where it is called. */

/** The model that every run of this graph and seed starts from. */
export const initialModel = (graph: Graph, seed: number): Uint8Array => encodeSafetensors(initialise(graph, seed));

/** An upload's bytes as an update that may count, or the Fault that says why not. */
export const admitBytes = (bytes: Uint8Array, terms: AdmissionTerms): AdmittedUpdate =>
  admit(decodeSafetensors(bytes), terms);

/** The next global model. Each update is admitted again, since it came back from a disk. */
export function aggregateBytes({ base, contributions, weighting, terms }: AggregationWork): Uint8Array {
  const admitted = contributions.map(({ site, examples, bytes }) => ({
    site,
    examples,
    update: admitBytes(bytes, terms),
  }));
  return encodeSafetensors(fedavg(decodeSafetensors(base), admitted, weighting));
}
