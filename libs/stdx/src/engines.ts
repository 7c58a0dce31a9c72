/**
 * What can train at a site: ONNX Runtime with training graphs of our own, the site's own PyTorch, TensorFlow.js in
 * WebAssembly, and TensorFlow.js in plain JavaScript, the numerical reference.
 */
export const ENGINES = ['onnx', 'torch', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];
