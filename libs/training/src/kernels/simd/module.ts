import { unsigned, type Code, type Local } from './instructions.js';

/** A function of 32-bit integers (pointers, counts, distances) that returns nothing. */
export interface SimdFunction {
  readonly name: string;
  readonly parameters: number;
  /** 128-bit variables, zero at first, and integers; their locals follow the parameters in this order. */
  readonly vectors: number;
  readonly integers: number;
  readonly body: Code;
}

/** Counts out the locals of a function: first its parameters, then vectors, then integers. */
export function defineFunction<Parameter extends string>(
  name: string,
  parameters: readonly Parameter[],
  variables: { vectors: number; integers: number },
  body: (parameter: Record<Parameter, Local>, vector: readonly Local[], integer: readonly Local[]) => Code,
): SimdFunction {
  const from = (start: number, count: number): Local[] => Array.from({ length: count }, (_, i) => start + i);
  const named = Object.fromEntries(parameters.map((parameter, i) => [parameter, i])) as Record<Parameter, Local>;
  const vectors = from(parameters.length, variables.vectors);
  const integers = from(parameters.length + variables.vectors, variables.integers);
  return { name, parameters: parameters.length, ...variables, body: body(named, vectors, integers) };
}

const I32 = 0x7f;
const V128 = 0x7b;
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module that works on the memory it imports as `env.memory` (WebAssembly Core 2.0, §5.5). */
export function encodeModule(functions: readonly SimdFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, list(new Array<number>(parameters).fill(I32)), 0x00]);
  const memory = [text('env'), text('memory'), 0x02, 0x00, 0x00];
  const exported = functions.map(({ name }, i) => [text(name), 0x00, unsigned(i)]);
  const bodies = functions.map(({ vectors, integers, body }) =>
    sized([
      list([
        [unsigned(vectors), V128],
        [unsigned(integers), I32],
      ]),
      body,
      0x0b,
    ]),
  );
  return Uint8Array.from(
    flat([
      MAGIC_AND_VERSION,
      section(1, list(types)),
      section(2, list([memory])),
      section(3, list(functions.map((_, i) => unsigned(i)))),
      section(7, list(exported)),
      section(10, list(bodies)),
    ]),
  );
}

const flat = (code: Code): number[] => [code].flat(Infinity as 1) as number[];
const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
const sized = (content: Code): Code => {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
};
const section = (id: number, content: Code): Code => [id, sized(content)];
const text = (ascii: string): Code => list([...ascii].map((letter) => letter.charCodeAt(0)));
