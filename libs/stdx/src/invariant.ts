/** A broken invariant is our bug, never a user's mistake: it stops the work and has no code in the catalogue. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Asserts what the code itself guarantees. What may happen in the world is a {@link Fault} instead. */
export function invariant(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new InvariantError(sentence);
}

/** The end of an exhaustive `switch`: the compiler refuses a forgotten case, the runtime an unknown one. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${typeof value}`);
}
