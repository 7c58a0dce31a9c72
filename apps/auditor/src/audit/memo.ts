/**
 * Remembers what was computed from the same content, failures too, and forgets what was not asked for longest. The key
 * must name all that the computation reads: contents by their SHA-256, keys by their bytes. Then a remembered answer is
 * the answer, and an audit that is repeated over nearly the same bundle costs what has changed.
 */
export class Memo {
  readonly #known = new Map<string, Outcome>();

  constructor(private readonly limit: number) {}

  async once<T>(key: string, compute: () => Promise<T> | T): Promise<T> {
    const known = this.#known.get(key) ?? (await settled(compute));
    return this.#remember<T>(key, known);
  }

  /** The same for what takes no waiting. */
  now<T>(key: string, compute: () => T): T {
    return this.#remember<T>(key, this.#known.get(key) ?? settledNow(compute));
  }

  #remember<T>(key: string, known: Outcome): T {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > this.limit) this.#known.delete(this.#known.keys().next().value!);
    if ('error' in known) throw known.error;
    return known.value as T;
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

async function settled(compute: () => unknown): Promise<Outcome> {
  try {
    return { value: await compute() };
  } catch (error) {
    return { error };
  }
}

function settledNow(compute: () => unknown): Outcome {
  try {
    return { value: compute() };
  } catch (error) {
    return { error };
  }
}
