import { Fault } from '@consilium/stdx';

/** GRAPH_INVALID at one layer: what it needs and what came. Layer names are the plan's own words, never a patient's. */
export const misfit = (layer: string, expected: string, came: string): Fault =>
  new Fault('GRAPH_INVALID', { layer, expected, came });

/** A shape as people write it: `[28, 28, 1]`. */
export const written = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
