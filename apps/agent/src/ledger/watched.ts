import type { SiteEvent } from '@consilium/ledger';
import type { Code, Digest } from '@consilium/stdx';

/** A checkpoint of the coordinator's log that this site has cosigned. `root` is the Merkle root in hexadecimal. */
export interface Cosigned {
  readonly year: number;
  readonly size: number;
  readonly root: Digest;
}

/** Offers rest on one of the newest checkpoints; far older ones need not be known any more. */
const REMEMBERED_MAX = 4096;

/**
 * What this site has seen of the coordinator's log: the checkpoints that it cosigned, each proven to contain the one
 * before, and whether it was ever shown another past. From the site's own log, so that a restart forgets neither.
 */
export class Watched {
  #last: Cosigned | null = null;
  #refused: Code | null = null;
  /** `size root`, oldest first, of the newest shard. */
  readonly #cosigned = new Set<string>();

  /** The largest checkpoint cosigned so far. */
  get last(): Cosigned | null {
    return this.#last;
  }

  /** Why this site works for this coordinator no more, until its operator says otherwise. */
  get refused(): Code | null {
    return this.#refused;
  }

  /** Whether this very checkpoint was cosigned here, and so lies in the one past that this site has seen. */
  hasCosigned({ year, size, root }: Cosigned): boolean {
    return this.#last?.year === year && this.#cosigned.has(nameOf(size, root));
  }

  follow(event: SiteEvent): void {
    switch (event.type) {
      case 'witness.cosigned': {
        const { year, size, root } = event;
        if (this.#last?.year !== year) this.#cosigned.clear();
        this.#last = { year, size, root };
        this.#cosigned.add(nameOf(size, root));
        const [oldest] = this.#cosigned;
        if (this.#cosigned.size > REMEMBERED_MAX) this.#cosigned.delete(oldest!);
        return;
      }
      case 'witness.refused':
        this.#refused = event.code;
        return;
      case 'witness.resumed':
        // No proof can lead from the past that was cosigned to the one that was refused: the operator says to begin anew.
        this.#refused = null;
        this.#last = null;
        this.#cosigned.clear();
        return;
      default: // the other entries say nothing of the coordinator's log
    }
  }
}

const nameOf = (size: number, root: Digest): string => `${size} ${root}`;
