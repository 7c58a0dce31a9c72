import { Fault, type Clock } from '@consilium/stdx';
import { services, type CoordinatorMessage, type Session, type SiteChannel } from '@consilium/wire';
import { patiently } from '../backoff.js';
import type { Uplink } from '../guard.js';
import type { Download } from '../models.js';
import type { Outgoing, OutgoingOf, SessionMessage } from '../outgoing.js';
import { headerForm, helloForm, sessionForm } from './wire-form.js';

/** The channel to the coordinator behind the guard's port: one session at a time, uploads and downloads beside it. */
export class WireUplink implements Uplink {
  #session: Session | undefined;

  constructor(
    private readonly channel: Pick<SiteChannel, 'openSession' | 'download' | 'upload'>,
    private readonly clock: Pick<Clock, 'after'>,
    private readonly random: () => number,
  ) {}

  encode(message: Outgoing): Uint8Array {
    switch (message.kind) {
      case 'hello':
        return services.rounds.Session.requestSerialize({ hello: helloForm(message) });
      case 'update-header':
        return services.updates.Upload.requestSerialize({ header: headerForm(message) });
      default:
        return services.rounds.Session.requestSerialize(sessionForm(message));
    }
  }

  requireSession(): void {
    if (!this.#session) throw new Fault('UNAVAILABLE');
  }

  async openSession(hello: OutgoingOf<'hello'>, signal: AbortSignal): Promise<void> {
    this.closeSession();
    this.#session = this.channel.openSession(helloForm(hello), { signal });
  }

  /** What the coordinator says in the open session. */
  get messages(): AsyncIterable<CoordinatorMessage> {
    if (!this.#session) throw new Fault('UNAVAILABLE');
    return this.#session.messages;
  }

  closeSession(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  async send(message: SessionMessage): Promise<void> {
    if (!this.#session) throw new Fault('UNAVAILABLE');
    if (!this.#session.send(sessionForm(message))) throw new Fault('OVERLOADED');
  }

  /** Goes on after a broken line, at the byte where it broke, until the round's deadline aborts the signal. */
  async upload(header: OutgoingOf<'update-header'>, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await patiently(() => this.channel.upload({ header: headerForm(header), bytes, signal }), {
      ...this.#patience(signal),
    });
  }

  download: Download = (model, signal) =>
    patiently(() => this.channel.download({ ...model, signal }), this.#patience(signal));

  #patience(signal: AbortSignal) {
    return { clock: this.clock, random: this.random, signal };
  }
}
