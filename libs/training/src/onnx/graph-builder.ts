import { invariant } from '@consilium/stdx';
import type { ProtobufWriter } from './protobuf.js';
import { modelBytes, nodeMessage, tensorMessage, valueMessage, type Attributes } from './model-format.js';

type Shape = readonly number[];

/** A model file and the shapes of what it wants to be fed with, all float32. */
export interface Program {
  readonly bytes: Uint8Array;
  readonly inputs: ReadonlyMap<string, Shape>;
}

/** Builds an ONNX graph node by node; a tensor is known by its name. Shapes are static, so nothing is decided at run time. */
export class GraphBuilder {
  readonly #nodes: ProtobufWriter[] = [];
  readonly #constants: ProtobufWriter[] = [];
  readonly #inputs = new Map<string, Shape>();
  readonly #outputs: ProtobufWriter[] = [];
  readonly #known = new Map<string, string>();
  #names = 0;

  /** Adds a node and answers the name of its first output. An input named '' is one that is left away. */
  op(type: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.ops(type, inputs, 1, attributes, domain)[0]!;
  }

  /** As {@link op} for a node of several outputs. */
  ops(type: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}, domain = ''): string[] {
    const names = Array.from({ length: outputs }, () => this.#name());
    this.#nodes.push(nodeMessage(type, inputs, names, attributes, domain));
    return names;
  }

  reshape(x: string, shape: Shape): string {
    return this.op('Reshape', [x, this.integers(shape)]);
  }

  /** Moves axis `order[i]` to place i. */
  transpose(x: string, order: Shape): string {
    return order.every((axis, place) => axis === place) ? x : this.op('Transpose', [x], { perm: order });
  }

  sum(x: string, axes: Shape, keep = false): string {
    return this.op('ReduceSum', [x, this.integers(axes)], { keepdims: keep ? 1 : 0 });
  }

  mean(x: string, axes: Shape, keep = false): string {
    return this.op('ReduceMean', [x, this.integers(axes)], { keepdims: keep ? 1 : 0 });
  }

  scale(x: string, factor: number): string {
    return factor === 1 ? x : this.op('Mul', [x, this.number(factor)]);
  }

  /** From `starts` to `ends` along `axes`, by `steps`. */
  slice(x: string, axes: Shape, starts: Shape, ends: Shape, steps?: Shape): string {
    const bounds = [starts, ends, axes, ...(steps ? [steps] : [])];
    return this.op('Slice', [x, ...bounds.map((bound) => this.integers(bound))]);
  }

  /** Puts zeros, or `value`s, before and after each axis. */
  pad(x: string, before: Shape, after: Shape, value?: number): string {
    if ([...before, ...after].every((count) => count === 0)) return x;
    return this.op('Pad', [
      x,
      this.integers([...before, ...after]),
      ...(value === undefined ? [] : [this.number(value)]),
    ]);
  }

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? parts[0]! : this.op('Concat', parts, { axis });
  }

  split(x: string, axis: number, sizes: Shape): string[] {
    return sizes.length === 1 ? [x] : this.ops('Split', [x, this.integers(sizes)], sizes.length, { axis });
  }

  /** A vector of whole numbers, as axes and shapes are given. */
  integers(values: Shape): string {
    return this.#once(`integers ${values.join()}`, (name) =>
      tensorMessage(name, [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  /** A float32 scalar. */
  number(value: number): string {
    return this.#once(`number ${value}`, (name) => tensorMessage(name, [], Float32Array.of(value)));
  }

  constant(values: Float32Array, shape: Shape): string {
    invariant(values.length === shape.reduce((product, length) => product * length, 1), 'values fill their shape');
    const name = this.#name();
    this.#constants.push(tensorMessage(name, shape, values));
    return name;
  }

  input(name: string, shape: Shape): string {
    this.#inputs.set(name, shape);
    return name;
  }

  /** Makes a tensor an output under a name that whoever runs the graph knows. */
  output(name: string, source: string, shape: Shape): void {
    this.#nodes.push(nodeMessage('Identity', [source], [name], {}, ''));
    this.#outputs.push(valueMessage(name, shape));
  }

  /** What has been built so far. */
  program(): Program {
    const inputs = [...this.#inputs].map(([name, shape]) => valueMessage(name, shape));
    const bytes = modelBytes({ nodes: this.#nodes, constants: this.#constants, inputs, outputs: this.#outputs });
    return { bytes, inputs: this.#inputs };
  }

  #name(): string {
    return `t${this.#names++}`;
  }

  #once(key: string, constant: (name: string) => ProtobufWriter): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#name();
    this.#constants.push(constant(name));
    this.#known.set(key, name);
    return name;
  }
}
