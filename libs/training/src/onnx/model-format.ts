import { ProtobufWriter } from './protobuf.js';

/** An attribute's value; a number alone is a whole one, and `{ float }` is not. */
export type Attribute = number | string | readonly number[] | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** The standard operators' release; 18 is the first in which every reduction takes its axes as an input. */
const OPSET = 18;
/** The file format that came with it. */
const IR_VERSION = 8;
/** ONNX Runtime's own operators over its blocked layout; see `blocked.ts`. */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

// Field numbers and enumerations are those of onnx.proto (https://github.com/onnx/onnx, IR version 8).
const FLOAT = 1;
const INT64 = 7;

/** A GraphProto's parts, as messages that are ready to be written. */
export interface ModelParts {
  readonly nodes: readonly ProtobufWriter[];
  readonly constants: readonly ProtobufWriter[];
  readonly inputs: readonly ProtobufWriter[];
  readonly outputs: readonly ProtobufWriter[];
}

export function nodeMessage(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes,
  domain: string,
): ProtobufWriter {
  const node = new ProtobufWriter();
  for (const name of inputs) node.text(1, name);
  for (const name of outputs) node.text(2, name);
  node.text(4, type);
  for (const [name, value] of Object.entries(attributes)) node.message(5, attributeMessage(name, value));
  return domain === '' ? node : node.text(7, domain);
}

function attributeMessage(name: string, value: Attribute): ProtobufWriter {
  const attribute = new ProtobufWriter().text(1, name);
  if (typeof value === 'number') return attribute.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return attribute.text(4, value).integer(20, 3);
  if ('float' in value) return attribute.float(2, value.float).integer(20, 1);
  for (const entry of value) attribute.integer(8, entry);
  return attribute.integer(20, 7);
}

/** A tensor whose values stand in the graph; machines of other than little-endian order run no ONNX Runtime. */
export function tensorMessage(
  name: string,
  shape: readonly number[],
  values: Float32Array | BigInt64Array,
): ProtobufWriter {
  const tensor = new ProtobufWriter();
  for (const length of shape) tensor.integer(1, length);
  const type = values instanceof Float32Array ? FLOAT : INT64;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return tensor.integer(2, type).text(8, name).bytes(9, bytes);
}

/** An input or output: float32 of a fixed shape. */
export function valueMessage(name: string, shape: readonly number[]): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const length of shape) dimensions.message(1, new ProtobufWriter().integer(1, length));
  const tensor = new ProtobufWriter().integer(1, FLOAT).message(2, dimensions);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

/** A whole model file. */
export function modelBytes({ nodes, constants, inputs, outputs }: ModelParts): Uint8Array {
  const graph = new ProtobufWriter();
  for (const node of nodes) graph.message(1, node);
  graph.text(2, 'consilium');
  for (const constant of constants) graph.message(5, constant);
  for (const input of inputs) graph.message(11, input);
  for (const output of outputs) graph.message(12, output);
  const opset = (domain: string, version: number): ProtobufWriter =>
    new ProtobufWriter().text(1, domain).integer(2, version);
  return new ProtobufWriter()
    .integer(1, IR_VERSION)
    .text(2, 'consilium')
    .message(7, graph)
    .message(8, opset('', OPSET))
    .message(8, opset(BLOCKED_DOMAIN, 1))
    .toBytes();
}
