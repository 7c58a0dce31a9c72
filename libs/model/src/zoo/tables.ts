import type { Graph } from '../graph.js';
import { Sketch } from './sketch.js';

/** Linear regression: one number for each outcome, trained with the mean squared error. */
export const linear = ({ features, outcomes = 1 }: { features: number; outcomes?: number }): Graph =>
  table(features, [], outcomes);

/** Logistic regression: one logit, or one for each of several classes. */
export const logistic = ({ features, classes = 1 }: { features: number; classes?: number }): Graph =>
  table(features, [], classes);

/**
 * Cox regression (Cox 1972): one log risk, trained with the partial likelihood. There is no bias, since a hazard that is
 * the same for all falls out of it.
 */
export function cox({ features }: { features: number }): Graph {
  const sketch = new Sketch(2);
  sketch.input([features], 'features');
  sketch.put('dense', 'risk', { units: 1, bias: false });
  return sketch.graph();
}

/** A multilayer perceptron: dense layers with ReLU, and dropout after each where it is asked for. */
export function mlp(model: { features: number; hidden?: readonly number[]; classes: number; dropout?: number }): Graph {
  const { features, hidden = [64, 32], classes, dropout = 0 } = model;
  return table(features, hidden, classes, dropout);
}

function table(features: number, hidden: readonly number[], outputs: number, dropout = 0): Graph {
  const sketch = new Sketch(2);
  sketch.input([features], 'features');
  hidden.forEach((units, i) => {
    sketch.put('dense', `hidden${i + 1}`, { units });
    sketch.relu(`relu${i + 1}`);
    if (dropout > 0) sketch.put('dropout', `drop${i + 1}`, { rate: dropout });
  });
  sketch.put('dense', 'out', { units: outputs });
  return sketch.graph();
}
