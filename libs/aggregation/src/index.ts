export { admit, type Admission, type AdmittedUpdate } from './admit.js';
export { EXAMPLES_MAX, isExamples } from './examples.js';
export { fedavg, type Contribution, type Weighting } from './fedavg.js';
