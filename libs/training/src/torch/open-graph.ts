import type { Graph } from '@consilium/model';
import type { Manifest } from '@consilium/weights';
import type { TorchProgram } from './program.js';
import { specOf } from './spec.js';

/** Makes a graph with its values the one that the program works on. */
export async function openGraph(
  program: TorchProgram,
  graph: Graph,
  { manifest, trainable }: { readonly manifest: Manifest; readonly trainable: ReadonlySet<string> },
  values: Float32Array,
  frozen?: readonly string[],
): Promise<void> {
  await program.ask('open', { header: specOf(graph, manifest, trainable, frozen), arrays: { values } });
}
