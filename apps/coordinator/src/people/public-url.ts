import type { AddressInfo } from 'node:net';
import { invariant } from '@consilium/stdx';

/** The address at which browsers find this coordinator: as the settings say, else the one where it listens. */
export class PublicUrl {
  constructor(
    private readonly setting: string | undefined,
    private readonly listening: () => AddressInfo | string | null,
  ) {}

  of(path: string): string {
    return this.#origin + path;
  }

  get secure(): boolean {
    return this.#origin.startsWith('https:');
  }

  /** Never from a request: its Host header is whatever the sender likes. */
  get #origin(): string {
    if (this.setting !== undefined) return new URL(this.setting).origin;
    const address = this.listening();
    invariant(typeof address === 'object' && address !== null, 'only a server that listens is asked');
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }
}
