/** A small plan, as a file of it reads; comments and all. */
export const PLAN_YAML = `# yaml-language-server: $schema=./elsewhere.json
schema: consilium.plan/1
study: small
title: A small plan
purpose: To test with.
federation: demo
sites: [hospital-a, hospital-b]
task:
  kind: binary-classification
  classes: [benign, malignant] # the second counts as positive
preprocessing:
  size: [8, 8]
  normalise: unit
model:
  layers:
    - { type: input, name: image, shape: [8, 8, 1] }
    - { type: flatten, name: flat }
    - { type: dense, name: logit, units: 1 }
training:
  loss: binary-cross-entropy
  optimizer: { type: sgd, learningRate: 0.1 }
  batchSize: 8
  localSteps: 2
rounds:
  count: 3
  minSites: 2
  deadlineSeconds: 60
aggregation:
  method: fedavg
  normBound: 10
privacy:
  mode: plain
seed: 1
`;
