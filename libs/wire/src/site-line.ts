import { ChannelCredentials } from '@grpc/grpc-js';
import { Fault } from '@consilium/stdx';
import { openClients, type Clients, type Traffic } from './clients.js';
import { diagnose, type Target } from './diagnosis.js';

/**
 * The connection that belongs to one certificate, made when it is first used and made again when it broke. It can be
 * retired: what runs on it then goes on, and with the last of it the connection closes.
 */
export class Line {
  readonly #clients: Clients;
  #running = 0;
  #onRetired: (() => void) | undefined;

  constructor(
    private readonly target: Target,
    traffic: Traffic,
    keepaliveMs: number,
  ) {
    const { host, port, context, check } = target;
    const address = host.includes(':') ? `dns:[${host}]:${port}` : `dns:${host}:${port}`;
    const credentials = ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: check });
    this.#clients = openClients(address, credentials, traffic, keepaliveMs);
  }

  /** Does some work over this line; a Fault that it ends in is the most telling one that can be found. */
  async run<T>(work: (clients: Clients) => Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work(this.#clients);
    } catch (error) {
      throw await this.explain(Fault.from(error));
    } finally {
      release();
    }
  }

  /** The services, for work that tells by itself when it is over. */
  get clients(): Clients {
    return this.#clients;
  }

  /** Keeps the line open until what this answers is called. */
  hold(): () => void {
    this.#running += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#running -= 1;
      this.#leaveIfDone();
    };
  }

  explain(fault: Fault): Promise<Fault> {
    return diagnose(fault, this.target);
  }

  /** No new work comes: the line closes as soon as nothing runs on it, and tells so. */
  retire(onRetired: () => void): void {
    this.#onRetired = onRetired;
    this.#leaveIfDone();
  }

  close(): void {
    this.#clients.close();
  }

  #leaveIfDone(): void {
    if (!this.#onRetired || this.#running > 0) return;
    this.close();
    this.#onRetired();
  }
}
