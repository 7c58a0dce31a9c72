import { layoutManifest } from '@consilium/weights';
import { seededRandom } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { alike, canBlock, channelSums, imageSums, perChannel, throughRelu, toBlocked, toPlain } from './blocked.js';
import { findBlockSize } from './block-size.js';
import { channelsLast, channelsSecond } from './layers/axes.js';
import { block } from './machines.fixture.js';
import { Session } from './session.js';
import { Tape, type Value } from './tape.js';

const SHAPE = [2, 32, 3, 5];
const SIZE = 2 * 32 * 3 * 5;
const random = seededRandom('test blocked');
const IMAGE = Float32Array.from({ length: SIZE }, () => random.normal());
const VECTOR = Float32Array.from({ length: 32 }, () => random.normal());

/** What comes of an image of 32 channels, a vector of them and another image. */
async function computed(
  build: (tape: Tape, x: Value, vector: string) => Value | string,
  shape = SHAPE,
): Promise<Float32Array> {
  const tape = new Tape({ batch: 2, manifest: layoutManifest([]), trainable: new Set(), mode: 'inference', block });
  const x = tape.value(tape.graph.input('x', SHAPE), SHAPE);
  const y = build(tape, x, tape.graph.input('vector', [32]));
  tape.graph.output('y', typeof y === 'string' ? y : y.name, shape);
  const session = await Session.open(tape.graph.program(), { threads: 1 });
  const results = await session.run({ x: IMAGE, vector: VECTOR });
  await session.close();
  return results['y']!;
}

const expectClose = (a: Float32Array, b: Float32Array): void =>
  b.forEach((value, i) => expect(a[i]).toBeCloseTo(value, 5));

describe.runIf(block !== undefined)('the blocked layout', () => {
  it('gives back what was put in', async () => {
    expect(await computed((tape, x) => toPlain(tape, toBlocked(tape, x)))).toEqual(IMAGE);
  });

  it('is another order in memory', async () => {
    const names = await computed((tape, x) => toBlocked(tape, x));
    expect(names).not.toEqual(IMAGE);
    expect([...names].sort()).toEqual([...IMAGE].sort());
  });

  it('is left for channels last in one step', async () => {
    const [direct, round] = [
      await computed((tape, x) => channelsLast(tape, toBlocked(tape, x)), [2, 3, 5, 32]),
      await computed((tape, x) => channelsLast(tape, x), [2, 3, 5, 32]),
    ];
    expect(direct).toEqual(round);
    expect(await computed((tape, x) => channelsSecond(tape, channelsLast(tape, toBlocked(tape, x))))).toEqual(IMAGE);
  });

  it('sums channels, and images apart, as the plain one does', async () => {
    for (const [sums, shape] of [
      [channelSums, [32]],
      [imageSums, [2, 32]],
    ] as const) {
      const both = await Promise.all(
        [toBlocked, toPlain].map((layOut) =>
          computed((tape, x) => sums(tape, layOut(tape, x).name, layOut(tape, x)), [...shape]),
        ),
      );
      expectClose(both[0]!, both[1]!);
    }
  });

  it('scales, shifts, adds and bends by channel in one pass as the plain one does', async () => {
    for (const relu of [true, false]) {
      const both = await Promise.all(
        [toBlocked, toPlain].map((layOut) =>
          computed((tape, x, vector) => {
            const like = layOut(tape, x);
            const sum = tape.graph.scale(like.name, 0.5);
            const y = perChannel(tape, like.name, like, vector, vector, { sum, relu });
            return toPlain(tape, { ...like, name: y });
          }),
        ),
      );
      expectClose(both[0]!, both[1]!);
      expect(both[0]!.some((value) => value < 0)).toBe(!relu);
    }
  });

  it('takes values along that stand beside blocked ones', async () => {
    const tape = new Tape({ batch: 2, manifest: layoutManifest([]), trainable: new Set(), mode: 'inference', block });
    const [a, b] = ['a', 'b'].map((name) => tape.value(tape.graph.input(name, SHAPE), SHAPE)) as [Value, Value];
    expect(alike(tape, [a, b]).map(({ blocked }) => blocked)).toEqual([false, false]);
    expect(alike(tape, [a, toBlocked(tape, b)]).map(({ blocked }) => blocked)).toEqual([true, true]);
    // And turns a value once.
    expect(toBlocked(tape, a)).toBe(toBlocked(tape, a));
  });

  it('is for images whose channels fill blocks', () => {
    const tape = new Tape({ batch: 2, manifest: layoutManifest([]), trainable: new Set(), mode: 'inference', block });
    expect(canBlock(tape, 16, 4)).toBe(true);
    expect(canBlock(tape, 12, 4)).toBe(false);
    expect(canBlock(tape, 16, 5)).toBe(false);
  });
});

it('a gradient goes through where ReLU’s output is positive', async () => {
  const passed = await computed((tape, x) => throughRelu(tape, x.name, tape.graph.op('Relu', [x.name])));
  IMAGE.forEach((value, i) => expect(passed[i]).toBeCloseTo(Math.max(0, value), 6));
});

describe('the size of a block', () => {
  it('is one that gives right numbers, and the same each time', async () => {
    expect([8, 16, undefined]).toContain(block);
    expect(await findBlockSize({ threads: 1 })).toBe(block);
  });
});
