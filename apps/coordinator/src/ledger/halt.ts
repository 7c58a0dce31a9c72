import type { Fault } from '@consilium/stdx';

/**
 * Whether the coordinator may act at all. Once its log was shown to be an old copy, or to have two pasts, it does nothing
 * more: no offer, no commit, no signature. It stays up so that its health can say why; only a new start can mend it.
 */
export class Halt {
  #why: Fault | undefined;

  /** Undefined as long as nothing is wrong. */
  get why(): Fault | undefined {
    return this.#why;
  }

  /** The first reason stays. */
  now(why: Fault): void {
    this.#why ??= why;
  }

  /** Throws the reason once there is one. */
  require(): void {
    if (this.#why) throw this.#why;
  }
}
