import { quorumOf } from '@consilium/ledger';
import { Fault, type Clock, type SiteName } from '@consilium/stdx';

/** How long a start waits for its witnesses. After it, only what needs their cosignatures still waits. */
export const WITNESSES_WAIT_MS = 15_000;

/**
 * Keeps a log that was just opened from signing anything until so many of its witnesses have come back, and none knows
 * a larger checkpoint. A log restored from an old copy would otherwise sign a second past at once, and the
 * first witness to come would find its own coordinator guilty of what only the copy did.
 */
export class StartGate {
  /** Rejects with CANCELLED when the program ends first. */
  readonly opened: Promise<void>;
  isOpen = false;
  readonly #awaited: Set<SiteName>;
  readonly #heardOf = new Set<SiteName>();
  readonly #needed: number;
  readonly #disarm: () => void;
  #open!: () => void;
  #cancel!: (fault: Fault) => void;

  constructor(witnesses: readonly SiteName[], clock: Clock) {
    this.#awaited = new Set(witnesses);
    this.#needed = this.#awaited.size ? quorumOf(this.#awaited.size) : 0;
    this.opened = new Promise((resolve, reject) => {
      this.#open = () => {
        this.isOpen = true;
        resolve();
      };
      this.#cancel = reject;
    });
    // Whoever waits gets the rejection; without anybody it is no failure.
    this.opened.catch(() => undefined);
    this.#disarm = this.#needed ? clock.after(WITNESSES_WAIT_MS, () => this.#open()) : () => {};
    this.#look();
  }

  /** The site came, and knows no checkpoint that this log does not have. */
  agrees(site: SiteName): void {
    if (this.#awaited.has(site)) this.#heardOf.add(site);
    this.#look();
  }

  close(): void {
    this.#disarm();
    this.#cancel(new Fault('CANCELLED'));
  }

  #look(): void {
    if (this.#heardOf.size < this.#needed) return;
    this.#disarm?.();
    this.#open();
  }
}
