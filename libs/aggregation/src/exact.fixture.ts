/** The smallest float32 is 2⁻¹⁴⁹: in units of it every finite float32 is a whole number. */
const UNITS = 149;

/** A finite float32 as a whole number of 2⁻¹⁴⁹, without rounding. */
export function exactOf(value: number): bigint {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const exponent = (bits >>> 23) & 0xff;
  const significand = BigInt(exponent === 0 ? bits & 0x7fffff : (bits & 0x7fffff) | 0x800000);
  const magnitude = significand << BigInt(Math.max(0, exponent - 1));
  return bits >>> 31 ? -magnitude : magnitude;
}

/** How far a float32 lies from numerator / denominator (in units of 2⁻¹⁴⁹), in steps between neighbouring float32 at its size. */
export function stepsFrom(value: number, numerator: bigint, denominator: bigint): number {
  const distance = exactOf(value) * denominator - numerator;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(value) || 2 ** -149)));
  const step = BigInt(2) ** BigInt(exponent - 23 + UNITS);
  const thousandths = ((distance < 0n ? -distance : distance) * 1000n) / (denominator * step);
  return Number(thousandths) / 1000;
}
