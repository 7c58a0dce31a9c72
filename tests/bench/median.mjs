/** The middle of an odd number of measurements. */
export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Measures `count` times, one after the other, and gives all figures. */
export async function repeat(count, measure) {
  const values = [];
  for (let i = 0; i < count; i++) values.push(await measure(i));
  return values;
}
