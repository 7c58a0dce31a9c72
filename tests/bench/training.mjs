// Images per CPU-second that each engine trains, one thread, beside a bare PyTorch loop of the same run: engine and
// reference take turns, since a machine's speed changes by the minute. Without a Python with PyTorch (CONSILIUM_PYTHON,
// see docs/guides/pytorch-engine.md) there is no reference and no engine `torch`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { initialise, resnet14, smallCnn } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { openEngine } from '@consilium/training';
import { median } from './median.mjs';
import { cpuSeconds } from './processor.mjs';

const MODELS = {
  'small-cnn': { graph: smallCnn({ input: [28, 28, 1], classes: 1 }), batch: 32, steps: 200 },
  'resnet-14': { graph: resnet14({ input: [64, 64, 1], classes: 1 }), batch: 16, steps: 20 },
};
const ENGINES = ['onnx', 'torch', 'wasm'];
const REPEATS = 5;

export async function measure(say) {
  const python = process.env.CONSILIUM_PYTHON;
  if (!python) say('no reference and no engine torch: CONSILIUM_PYTHON names no Python with PyTorch');
  const pytorch = python ? startPytorch(python) : undefined;
  const engines = [];
  for (const name of ENGINES.filter((engine) => engine !== 'torch' || python)) engines.push(await openEngine(name));
  try {
    const results = [];
    for (const [model, terms] of Object.entries(MODELS)) {
      const speeds = new Map(engines.map(({ name }) => [name, []]));
      const nchw = [];
      const channelsLast = [];
      for (let i = 0; i < REPEATS; i++) {
        for (const engine of engines) speeds.get(engine.name).push(await speedOf(engine, terms));
        if (pytorch) nchw.push(await pytorch.speedOf(model, 'nchw', terms.steps));
        if (pytorch) channelsLast.push(await pytorch.speedOf(model, 'channels-last', terms.steps));
      }
      if (pytorch)
        say(`${model}: PyTorch ${rounded(nchw)}, channels-last ${rounded(channelsLast)} images per CPU-second`);
      for (const [engine, values] of speeds) {
        const reference = pytorch ? { name: 'PyTorch, NCHW', value: median(nchw) } : null;
        const id = `training.${engine}.${model}`;
        results.push({ id, value: median(values), unit: 'images/CPU-s', better: 'higher', reference });
      }
    }
    return results;
  } finally {
    for (const engine of engines) engine.close();
    pytorch?.close();
  }
}

const rounded = (values) => Math.round(median(values));

/** What the engine and whatever it started use for the steps, without what it takes to begin. */
async function speedOf(engine, { graph, batch, steps }) {
  const job = jobOf(graph, batch);
  let begun;
  const onProgress = ({ step }) => {
    if (step === WARM_UP) begun = cpuSeconds(process.pid);
  };
  await engine.fit({ ...job, steps: steps + WARM_UP }, { onProgress });
  return (steps * batch) / (cpuSeconds(process.pid) - begun);
}

const WARM_UP = 5;

function jobOf(graph, batch) {
  const random = seededRandom('consilium/bench');
  const row = graph.layers[0].shape.reduce((product, axis) => product * axis, 1);
  const count = batch * 8;
  return {
    graph,
    weights: initialise(graph, 1),
    images: Float32Array.from({ length: count * row }, () => random.normal()),
    labels: Uint8Array.from({ length: count }, () => random.integer(2)),
    count,
    optimizer: { type: 'sgd', momentum: 0.9 },
    learningRate: 0.01,
    batchSize: batch,
    weightDecay: 0,
    classWeights: 'none',
    augmentation: { flipHorizontal: false, flipVertical: false, shiftPixels: 0 },
    seed: ['bench'],
  };
}

function startPytorch(python) {
  const child = spawn(python, [fileURLToPath(new URL('pytorch.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async speedOf(model, layout, steps) {
      child.stdin.write(`${model} ${layout} ${steps}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('the reference program ended');
      return Number(value);
    },
    close: () => child.stdin.end(),
  };
}
