import type { SiteName } from '@consilium/stdx';

/** A verified cosignature: its line, and the key that it is of (base64 of 32 bytes). */
export interface Cosignature {
  readonly line: string;
  readonly key: string;
}

/** The sites that have a say, each with the key (base64) that its cosignature must be of. */
export type Voters = Readonly<Record<SiteName, string>>;

/**
 * One checkpoint on its way around the sites. Cosignatures count together only when they are of the same checkpoint, so
 * one is asked about at a time, and a newer one follows when this one has brought what it can.
 */
export class Campaign {
  readonly #lines = new Map<SiteName, Cosignature>();
  readonly #silent = new Set<SiteName>();

  constructor(
    readonly size: number,
    /** The signed note, as the log published it. */
    readonly note: string,
    /** What is cosigned of it. */
    readonly text: string,
  ) {}

  /** Whether everybody who was asked has answered. */
  get isAnswered(): boolean {
    return this.#silent.size === 0;
  }

  get cosignatures(): ReadonlyMap<SiteName, Cosignature> {
    return this.#lines;
  }

  /** Whether the site was asked and has not answered yet. */
  awaits(site: SiteName): boolean {
    return this.#silent.has(site);
  }

  asked(site: SiteName): void {
    this.#silent.add(site);
  }

  /** The site answered with a cosignature, or will not answer. */
  answered(site: SiteName, cosignature?: Cosignature): void {
    this.#silent.delete(site);
    if (cosignature) this.#lines.set(site, cosignature);
  }

  /** The lines of those who have a say, each of the key that its vote is bound to. */
  linesOf(voters: Voters): readonly string[] {
    return Object.entries(voters).flatMap(([site, key]) => {
      const cosignature = this.#lines.get(site as SiteName);
      return cosignature?.key === key ? [cosignature.line] : [];
    });
  }
}
