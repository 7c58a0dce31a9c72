// The plans that the benches run.
const common = {
  schema: 'consilium.plan/1',
  study: 'bench',
  title: 'Bench',
  purpose: 'To measure.',
  federation: 'bench',
  task: { kind: 'binary-classification', classes: ['no-nodule', 'nodule'] },
  aggregation: { method: 'fedavg', normBound: 1000 },
  privacy: { mode: 'plain' },
  seed: 1,
};

/** A model of 1 MB (251,833 float32 values) that nobody trains. */
export const megabytePlan = (sites, rounds) => ({
  ...common,
  sites,
  preprocessing: { size: [16, 16], normalise: 'unit' },
  model: {
    layers: [
      { type: 'input', name: 'image', shape: [16, 16, 1] },
      { type: 'flatten', name: 'flat' },
      { type: 'dense', name: 'hidden', units: 976 },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  },
  training: {
    loss: 'binary-cross-entropy',
    optimizer: { type: 'sgd', learningRate: 0.01 },
    batchSize: 8,
    localSteps: 1,
  },
  rounds: { count: rounds, minSites: sites.length, deadlineSeconds: 60, evaluateEvery: rounds },
});

/** One hospital and a small CNN, many steps a round, so that what the agent adds shows. */
export const trainingPlan = (site, rounds, localSteps) => ({
  ...common,
  sites: [site],
  preprocessing: { size: [32, 32], normalise: 'per-image' },
  model: {
    layers: [
      { type: 'input', name: 'image', shape: [32, 32, 1] },
      { type: 'conv2d', name: 'conv1', filters: 8, kernel: [3, 3] },
      { type: 'activation', name: 'relu1', function: 'relu' },
      { type: 'max-pool2d', name: 'pool1', size: [2, 2] },
      { type: 'conv2d', name: 'conv2', filters: 16, kernel: [3, 3] },
      { type: 'activation', name: 'relu2', function: 'relu' },
      { type: 'max-pool2d', name: 'pool2', size: [2, 2] },
      { type: 'flatten', name: 'flat' },
      { type: 'dense', name: 'hidden', units: 32 },
      { type: 'activation', name: 'relu3', function: 'relu' },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  },
  training: { loss: 'binary-cross-entropy', optimizer: { type: 'sgd', learningRate: 0.01 }, batchSize: 32, localSteps },
  rounds: { count: rounds, minSites: 1, deadlineSeconds: 600, evaluateEvery: rounds },
});
