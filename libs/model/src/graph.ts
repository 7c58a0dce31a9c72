import { z } from 'zod';

/**
 * A model as data: a list of layers from a closed vocabulary, each fed by the one before it unless `from` names others.
 * The last layer is the output. Images are channels-last: [height, width, channels] or [depth, height, width, channels].
 * It holds no code, so a hospital can read what it approves and every engine computes the same thing.
 */
const name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a layer name of lower-case letters, digits and underscores');
const from = name.optional();
const count = z.int().min(1).max(65_536);
const samePadding = z.enum(['same', 'valid']).default('same');
const validPadding = z.enum(['same', 'valid']).default('valid');
const bias = z.boolean().default(true);
const extent = z.int().min(1).max(31);
const pair = z.tuple([extent, extent]);
const triple = z.tuple([extent, extent, extent]);

export const layerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input'), name, shape: z.array(count).min(1).max(4) }),
  z.strictObject({
    type: z.literal('conv2d'),
    name,
    from,
    filters: count,
    kernel: pair,
    stride: pair.default([1, 1]),
    padding: samePadding,
    bias,
  }),
  z.strictObject({
    type: z.literal('conv3d'),
    name,
    from,
    filters: count,
    kernel: triple,
    stride: triple.default([1, 1, 1]),
    padding: samePadding,
    bias,
  }),
  z.strictObject({ type: z.literal('dense'), name, from, units: count, bias }),
  z.strictObject({
    type: z.literal('batch-norm'),
    name,
    from,
    momentum: z.number().min(0).max(0.9999).default(0.9),
    epsilon: z.number().positive().max(0.1).default(1e-3),
  }),
  z.strictObject({
    type: z.literal('max-pool2d'),
    name,
    from,
    size: pair,
    stride: pair.optional(),
    padding: validPadding,
  }),
  z.strictObject({
    type: z.literal('average-pool2d'),
    name,
    from,
    size: pair,
    stride: pair.optional(),
    padding: validPadding,
  }),
  z.strictObject({
    type: z.literal('max-pool3d'),
    name,
    from,
    size: triple,
    stride: triple.optional(),
    padding: validPadding,
  }),
  z.strictObject({ type: z.literal('global-average-pool'), name, from }),
  z.strictObject({ type: z.literal('flatten'), name, from }),
  z.strictObject({ type: z.literal('dropout'), name, from, rate: z.number().min(0).lt(1) }),
  z.strictObject({
    type: z.literal('activation'),
    name,
    from,
    function: z.enum(['relu', 'sigmoid', 'tanh', 'softmax']),
  }),
  z.strictObject({ type: z.literal('add'), name, from: z.array(name).min(2).max(8) }),
  z.strictObject({ type: z.literal('concat'), name, from: z.array(name).min(2).max(8) }),
]);

export const graphSchema = z.strictObject({ layers: z.array(layerSchema).min(2).max(512) });

export type Layer = z.infer<typeof layerSchema>;
export type LayerType = Layer['type'];
export type Graph = z.infer<typeof graphSchema>;
