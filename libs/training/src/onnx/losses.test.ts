import { describe, expect, it } from 'vitest';
import { seededRandom } from '@consilium/stdx';
import type { LossName, Targets } from '../fitting/loss/loss.js';
import { hasClasses, LOSSES } from '../fitting/loss/losses.js';
import { GraphBuilder } from './graph-builder.js';
import { EMIT_LOSS } from './losses.js';
import { Session } from './session.js';

const BATCH = 6;

interface Case {
  readonly outputs: number;
  readonly channels: number;
  readonly targets: () => Targets;
}

const random = seededRandom('test losses');
const classes = (length: number, bound: number) => () => Uint8Array.from({ length }, () => random.integer(bound));

const CASES: Readonly<Record<LossName, Case>> = {
  'binary-cross-entropy': { outputs: 4, channels: 4, targets: classes(BATCH * 4, 2) },
  focal: { outputs: 4, channels: 2, targets: classes(BATCH * 4, 2) },
  'softmax-cross-entropy': { outputs: 12, channels: 3, targets: classes(BATCH * 4, 3) },
  dice: { outputs: 12, channels: 2, targets: classes(BATCH * 12, 2) },
  'mean-squared-error': {
    outputs: 3,
    channels: 3,
    targets: () => Float32Array.from({ length: BATCH * 3 }, () => random.normal()),
  },
  'cox-partial-likelihood': {
    outputs: 1,
    channels: 1,
    // Times from 1 to 3, so that there are ties.
    targets: () =>
      Float32Array.from({ length: BATCH * 2 }, (_, i) => (i % 2 === 0 ? 1 + random.integer(3) : i % 3 === 0 ? 1 : 0)),
  },
};

async function inGraph(
  loss: LossName,
  logits: Float32Array,
  targets: Targets,
  weights: readonly number[],
  focalGamma?: number,
) {
  const { outputs, channels } = CASES[loss];
  const graph = new GraphBuilder();
  const perSample = targets.length / BATCH;
  const names = ['targets', 'shares'].map((name) => graph.input(name, [BATCH, perSample])) as [string, string];
  const shape = { batch: BATCH, outputs, channels, focalGamma };
  const emitted = EMIT_LOSS[loss](graph, graph.input('logits', [BATCH, outputs]), ...names, shape);
  graph.output('loss', emitted.loss, []);
  graph.output('gradient', emitted.gradient, [BATCH, outputs]);
  const session = await Session.open(graph.program(), { threads: 1 });
  const share = 1 / (loss === 'softmax-cross-entropy' ? targets.length : logits.length);
  const shares = Float32Array.from(targets, (label) => share * (hasClasses(loss) ? weights[label]! : 1));
  const results = await session.run({ logits, targets: Float32Array.from(targets), shares });
  await session.close();
  return { loss: results['loss']![0]!, gradient: results['gradient']! };
}

describe.each(Object.keys(CASES) as LossName[])('%s in the graph', (loss) => {
  const { outputs, channels, targets: draw } = CASES[loss];
  const classWeights = hasClasses(loss) ? [0.5, 2, 1.25] : [1, 1, 1];

  it.each([
    ['small', 1],
    ['large', 12],
  ])('is what it is outside, for %s logits', async (_, spread) => {
    const logits = Float32Array.from({ length: BATCH * outputs }, () => spread * random.normal());
    const targets = draw();
    const ours = await inGraph(loss, logits, targets, classWeights);
    const theirs = LOSSES[loss](logits, targets, { count: BATCH, channels, classWeights });
    expect(Math.abs(ours.loss - theirs.loss)).toBeLessThan(2e-6 * Math.max(1, theirs.loss));
    theirs.gradient.forEach((value, i) => expect(ours.gradient[i]).toBeCloseTo(value, 6));
  });

  it('is not a number for a logit that is none', async () => {
    const logits = new Float32Array(BATCH * outputs);
    logits[0] = NaN;
    const targets = loss === 'cox-partial-likelihood' ? Float32Array.from({ length: BATCH * 2 }, () => 1) : draw();
    expect((await inGraph(loss, logits, targets, [1, 1, 1])).loss).toBeNaN();
  });
});

describe('the focal loss', () => {
  it('of γ = 0 is binary cross-entropy', async () => {
    const logits = Float32Array.from({ length: BATCH * 4 }, () => random.normal());
    const targets = CASES.focal.targets();
    const [focal, plain] = [
      await inGraph('focal', logits, targets, [1, 1], 0),
      await inGraph('binary-cross-entropy', logits, targets, [1, 1]),
    ];
    expect(focal.loss).toBeCloseTo(plain.loss, 6);
  });
});

describe('Cox’s partial likelihood', () => {
  it('of a batch without events is 0, and so is its gradient', async () => {
    const targets = Float32Array.from({ length: BATCH * 2 }, (_, i) => (i % 2 === 0 ? i : 0));
    const { loss, gradient } = await inGraph(
      'cox-partial-likelihood',
      new Float32Array(BATCH).fill(2),
      targets,
      [1, 1],
    );
    expect(Math.abs(loss)).toBe(0);
    gradient.forEach((value) => expect(Math.abs(value)).toBe(0));
  });
});
