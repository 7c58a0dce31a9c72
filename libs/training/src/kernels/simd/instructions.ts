/**
 * The few WebAssembly instructions that our kernels need, in their binary encoding (WebAssembly Core 2.0, §5.4), under
 * the names of the specification's text format. Code is a tree of bytes; operands come before their instruction.
 */
export type Code = number | readonly Code[];

/** A parameter or variable of a function, by its index. */
export type Local = number;

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

export const get = (local: Local): Code => [0x20, unsigned(local)];
export const set = (local: Local, value: Code): Code => [value, 0x21, unsigned(local)];

/** An `i32.const` from 0 to 63, which is one byte of signed LEB128. */
const small = (value: number): Code => [0x41, value];
export const i32Add = (a: Code, b: Code): Code => [a, b, 0x6a];
const i32Sub = (a: Code, b: Code): Code => [a, b, 0x6b];

/** Moves a pointer or counter on by the value of another local. */
export const advance = (local: Local, by: Local): Code => set(local, i32Add(get(local), get(by)));
export const advanceBytes = (local: Local, bytes: number): Code => set(local, i32Add(get(local), small(bytes)));

/** Repeats the body until the counter, which must begin above zero, has come down to zero. */
export const repeat = (counter: Local, body: Code): Code => [
  [0x03, 0x40],
  body,
  set(counter, i32Sub(get(counter), small(1))),
  get(counter),
  [0x0d, 0x00],
  0x0b,
];

const simd = (opcode: number): Code => [0xfd, unsigned(opcode)];
/** Alignment is only a hint; offsets are in bytes. */
const at = (alignment: number, offset: number): Code => [alignment, unsigned(offset)];

export const v128Load = (pointer: Local, offset = 0): Code => [get(pointer), simd(0x00), at(2, offset)];
export const v128Load32Splat = (pointer: Local, offset = 0): Code => [get(pointer), simd(0x09), at(2, offset)];
export const v128Load64Zero = (pointer: Local, offset = 0): Code => [get(pointer), simd(0x5d), at(2, offset)];
export const v128Store = (pointer: Local, value: Code, offset = 0): Code => [
  get(pointer),
  value,
  simd(0x0b),
  at(2, offset),
];
export const v128And = (a: Code, b: Code): Code => [a, b, simd(0x4e)];
/** The bits of `a` that are not in `b`. */
export const v128AndNot = (a: Code, b: Code): Code => [a, b, simd(0x4f)];
export const f32x4Eq = (a: Code, b: Code): Code => [a, b, simd(0x41)];
export const f32x4Add = (a: Code, b: Code): Code => [a, b, simd(0xe4)];
export const f32x4Mul = (a: Code, b: Code): Code => [a, b, simd(0xe6)];
export const f64x2Add = (a: Code, b: Code): Code => [a, b, simd(0xf0)];
export const f64x2PromoteLowF32x4 = (a: Code): Code => [a, simd(0x5f)];
