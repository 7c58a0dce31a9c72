import { shared } from '../../vitest.shared.js';

// Its tests look at whether TensorFlow.js is loaded, and break its kernels on purpose.
export default shared('training', undefined, { isolate: true });
