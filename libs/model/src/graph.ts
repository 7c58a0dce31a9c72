import { z } from 'zod';

/**
 * A model as data: a list of layers from a closed vocabulary, each fed by the one before it unless `from` names others.
 * The last layer is the output. Images are channels-last: [height, width, channels] or [depth, height, width, channels].
 * It holds no code, so a hospital can read what it approves and every engine computes the same thing.
 */
const name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a layer name of lower-case letters, digits and underscores');
const from = name.optional();
const count = z.int().min(1).max(65_536);
const shape = z.array(count).min(1).max(4);
const samePadding = z.enum(['same', 'valid']).default('same');
const validPadding = z.enum(['same', 'valid']).default('valid');
const bias = z.boolean().default(true);
const epsilon = z.number().positive().max(0.1).default(1e-3);
const extent = z.int().min(1).max(31);
const pair = z.tuple([extent, extent]);
const triple = z.tuple([extent, extent, extent]);
const ones2d = pair.default([1, 1]);
const ones3d = triple.default([1, 1, 1]);

const pool2d = { name, from, size: pair, stride: pair.optional(), padding: validPadding };
const pool3d = { name, from, size: triple, stride: triple.optional(), padding: validPadding };

export const layerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input'), name, shape }),

  // What is learnt. A grouped convolution's filter looks at its own share of the channels only.
  z.strictObject({
    type: z.literal('conv2d'),
    name,
    from,
    filters: count,
    kernel: pair,
    stride: ones2d,
    padding: samePadding,
    dilation: ones2d,
    groups: count.default(1),
    bias,
  }),
  z.strictObject({
    type: z.literal('conv3d'),
    name,
    from,
    filters: count,
    kernel: triple,
    stride: ones3d,
    padding: samePadding,
    dilation: ones3d,
    groups: count.default(1),
    bias,
  }),
  // Each channel by itself, through `multiplier` filters; the filters of one channel stand side by side.
  z.strictObject({
    type: z.literal('depthwise-conv2d'),
    name,
    from,
    kernel: pair,
    stride: ones2d,
    padding: samePadding,
    dilation: ones2d,
    multiplier: z.int().min(1).max(64).default(1),
    bias,
  }),
  // The transpose of a convolution: what it made small by its stride becomes large again.
  z.strictObject({
    type: z.literal('transposed-conv2d'),
    name,
    from,
    filters: count,
    kernel: pair,
    stride: ones2d,
    padding: samePadding,
    bias,
  }),
  z.strictObject({
    type: z.literal('transposed-conv3d'),
    name,
    from,
    filters: count,
    kernel: triple,
    stride: ones3d,
    padding: samePadding,
    bias,
  }),
  z.strictObject({ type: z.literal('dense'), name, from, units: count, bias }),
  z.strictObject({ type: z.literal('embedding'), name, from, vocabulary: count, units: count }),
  z.strictObject({ type: z.literal('attention'), name, from, heads: z.int().min(1).max(64).default(1) }),

  // What brings values to a common scale.
  z.strictObject({
    type: z.literal('batch-norm'),
    name,
    from,
    momentum: z.number().min(0).max(0.9999).default(0.9),
    epsilon,
  }),
  z.strictObject({ type: z.literal('group-norm'), name, from, groups: count, epsilon }),
  z.strictObject({ type: z.literal('layer-norm'), name, from, epsilon }),

  // What makes images smaller, or larger.
  z.strictObject({ type: z.literal('max-pool2d'), ...pool2d }),
  z.strictObject({ type: z.literal('average-pool2d'), ...pool2d }),
  z.strictObject({ type: z.literal('max-pool3d'), ...pool3d }),
  z.strictObject({ type: z.literal('average-pool3d'), ...pool3d }),
  z.strictObject({ type: z.literal('global-average-pool'), name, from }),
  z.strictObject({ type: z.literal('global-max-pool'), name, from }),
  z.strictObject({
    type: z.literal('upsample2d'),
    name,
    from,
    size: pair,
    method: z.enum(['nearest', 'bilinear']).default('nearest'),
  }),
  z.strictObject({
    type: z.literal('upsample3d'),
    name,
    from,
    size: triple,
    method: z.literal('nearest').default('nearest'),
  }),

  // What only arranges, or works on each value by itself.
  z.strictObject({ type: z.literal('flatten'), name, from }),
  z.strictObject({ type: z.literal('reshape'), name, from, shape }),
  z.strictObject({ type: z.literal('dropout'), name, from, rate: z.number().min(0).lt(1) }),
  z.strictObject({
    type: z.literal('activation'),
    name,
    from,
    function: z.enum(['relu', 'gelu', 'silu', 'sigmoid', 'tanh', 'softmax']),
  }),

  // What joins branches.
  z.strictObject({ type: z.literal('add'), name, from: z.array(name).min(2).max(8) }),
  z.strictObject({ type: z.literal('multiply'), name, from: z.array(name).length(2) }),
  z.strictObject({ type: z.literal('concat'), name, from: z.array(name).min(2).max(8) }),
]);

export const graphSchema = z.strictObject({ layers: z.array(layerSchema).min(2).max(512) });

export type Layer = z.infer<typeof layerSchema>;
export type LayerType = Layer['type'];
export type Graph = z.infer<typeof graphSchema>;

/** All layer types, in the order of the vocabulary. */
export const LAYER_TYPES: readonly LayerType[] = layerSchema.options.map(({ shape: { type } }) => type.value);
