/** A plan as an author writes it, defaults left away: 8 × 8 images, one small convolution, three sites. */
export const smallPlan = () => ({
  schema: 'consilium.plan/1',
  study: 'lung-nodule',
  title: 'Nodule or not',
  purpose: 'Shows a plan.\nIn two lines.',
  federation: 'demo',
  sites: ['berlin', 'aarhus', 'constructor'],
  task: { kind: 'binary-classification', classes: ['benign', 'malignant'] },
  preprocessing: { size: [8, 8], normalise: 'per-image' },
  model: {
    layers: [
      { type: 'input', name: 'image', shape: [8, 8, 1] },
      { type: 'conv2d', name: 'conv', filters: 4, kernel: [3, 3] },
      { type: 'activation', name: 'relu', function: 'relu' },
      { type: 'global-average-pool', name: 'pool' },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  },
  training: {
    loss: 'binary-cross-entropy',
    optimizer: { type: 'adam', learningRate: 0.001 },
    batchSize: 16,
    localSteps: 10,
  },
  rounds: { count: 5, minSites: 2, deadlineSeconds: 600 },
  aggregation: { method: 'fedavg', normBound: 10 },
  privacy: { mode: 'plain' },
  seed: 1,
});

/** The same plan with every default written out, keys in another order. */
export const smallPlanWrittenOut = () => ({
  ...Object.fromEntries(Object.entries(smallPlan()).reverse()),
  training: {
    augmentation: { shiftPixels: 0, flipVertical: false, flipHorizontal: false },
    classWeights: 'none',
    weightDecay: 0,
    localSteps: 10,
    batchSize: 16,
    schedule: 'constant',
    optimizer: { beta2: 0.999, beta1: 0.9, learningRate: 0.001, type: 'adam' },
    loss: 'binary-cross-entropy',
  },
  rounds: { evaluateEvery: 1, maxAttempts: 3, deadlineSeconds: 600, minSites: 2, count: 5 },
  aggregation: { weighting: 'examples', normBound: 10, method: 'fedavg' },
  audit: { retainUpdates: false },
});
