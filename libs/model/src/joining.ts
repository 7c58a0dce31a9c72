import type { Layer } from './graph.js';
import { misfit, written } from './misfit.js';
import type { Shape } from './shapes.js';

type Joining = Layer & { type: 'add' | 'multiply' | 'concat' };

/** The shape of what joins several layers. Nothing is broadcast but a factor for each channel, since that hides mistakes. */
export function joinedShape({ name, type }: Joining, fed: readonly Shape[]): Shape {
  const [first, ...others] = fed as [Shape, ...Shape[]];
  switch (type) {
    case 'add':
      for (const other of others) if (!same(other, first)) throw misfit(name, written(first), written(other));
      return first;
    case 'multiply':
      for (const other of others) {
        const channels = first.slice(-1);
        if (same(other, first) || same(other, channels)) continue;
        const expected = first.length > 1 ? `${written(first)} or ${written(channels)}` : written(first);
        throw misfit(name, expected, written(other));
      }
      return first;
    case 'concat': {
      const around = first.slice(0, -1);
      for (const other of others) {
        if (!same(other.slice(0, -1), around)) {
          throw misfit(name, `${written(first)} but for the last axis`, written(other));
        }
      }
      return [...around, fed.reduce((sum, shape) => sum + shape.at(-1)!, 0)];
    }
  }
}

const same = (a: Shape, b: Shape): boolean => written(a) === written(b);
