export { graphSchema, layerSchema, type Graph, type Layer, type LayerType } from './graph.js';
export { resolveInputs } from './inputs.js';
export { inferShapes, VALUES_MAX, type Shape } from './shapes.js';
export { manifestOf, PARAMETERS_MAX, tensorsOf, trainableTensors, type LayerTensor } from './parameters.js';
export { initialise } from './initialise.js';
