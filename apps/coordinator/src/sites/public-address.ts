import { hostname } from 'node:os';
import { invariant } from '@consilium/stdx';

/** All addresses of the machine: nobody can dial them as they stand. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** HOST:PORT under which agents reach the coordinator, as one-time tokens tell it. */
export class PublicAddress {
  #port: number | undefined;

  /**
   * `advertise` is the setting for a coordinator behind a name or a port that it does not know itself; `names` are those
   * of its identity.
   */
  constructor(
    private readonly host: string,
    private readonly advertise?: string,
    private readonly names: readonly string[] = [],
  ) {}

  /** The names that a certificate should bear. */
  get hosts(): readonly string[] {
    const advertised = this.advertise === undefined ? [] : [this.advertise.slice(0, this.advertise.lastIndexOf(':'))];
    return [...new Set([...advertised, ...this.names, this.#dialled])].map((host) => host.replace(/^\[|\]$/g, ''));
  }

  listening(port: number): void {
    this.#port = port;
  }

  get text(): string {
    if (this.advertise !== undefined) return this.advertise;
    invariant(this.#port !== undefined, 'people are let in after the coordinator listens');
    const host = this.#dialled;
    return `${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  get #dialled(): string {
    return WILDCARDS.has(this.host) ? (this.names[0] ?? hostname()) : this.host;
  }
}
