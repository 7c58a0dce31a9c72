import { initialise, manifestOf, trainableTensors } from '@consilium/model';
import { layoutManifest } from '@consilium/weights';
import { memory, scalar } from './tfjs.js';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { compile } from './compile.js';
import { EVERY_2D_LAYER as GRAPH } from './graphs.fixture.js';
import { Variables } from './variables.js';

const manifest = manifestOf(GRAPH);
const trainable = trainableTensors(GRAPH);

describe.each(['cpu', 'wasm'] as const)('a model’s variables on %s', (backend) => {
  let model: LayersModel;
  beforeEach(async () => {
    await activateBackend(backend);
    model = compile(GRAPH);
  });
  afterEach(() => void model.dispose());

  it('do not share memory with what they were set from, nor with what they were read into', () => {
    const variables = new Variables(model, manifest, trainable);
    const given = initialise(GRAPH, 1).values;
    variables.write(given);
    const first = new Float32Array(manifest.size);
    variables.readInto(first);
    const expected = first.slice();
    given.fill(7);
    first.fill(8);
    const second = new Float32Array(manifest.size);
    variables.readInto(second);
    expect(second).toEqual(expected);
  });

  it('are set without moving statistics where only what is trained is written', () => {
    const variables = new Variables(model, manifest, trainable);
    variables.write(new Float32Array(manifest.size).fill(1));
    variables.writeTrainable(new Float32Array(manifest.size).fill(2));
    const values = new Float32Array(manifest.size);
    variables.readInto(values);
    for (const { name, offset, size } of manifest.tensors) {
      const expected = trainable.has(name) ? 2 : 1;
      expect(values.subarray(offset, offset + size).every((value) => value === expected)).toBe(true);
    }
  });

  it('are set without leaving tensors behind', () => {
    const variables = new Variables(model, manifest, trainable);
    const before = memory().numTensors;
    for (let i = 0; i < 3; i++) variables.write(new Float32Array(manifest.size));
    expect(memory().numTensors).toBe(before);
  });

  it('are refused for a manifest that names others, other shapes, or fewer', () => {
    const renamed = manifest.tensors.map((spec, i) => (i === 0 ? { ...spec, name: 'other/kernel' } : spec));
    const reshaped = manifest.tensors.map((spec, i) => (i === 0 ? { ...spec, shape: [spec.size] } : spec));
    for (const tensors of [renamed, reshaped]) {
      expect(() => new Variables(model, layoutManifest(tensors), trainable)).toThrow('the tensors of its manifest');
    }
    const fewer = layoutManifest(manifest.tensors.slice(1));
    expect(() => new Variables(model, fewer, trainable)).toThrow('no tensor beyond its manifest');
  });

  it('need a gradient for each that is trained', () => {
    const variables = new Variables(model, manifest, trainable);
    const other = scalar(1);
    expect(() => variables.readGradients({ other }, new Float32Array(manifest.size))).toThrow('has a gradient');
    other.dispose();
  });
});
