import { Fault } from '@consilium/stdx';
import { ENVELOPE_BYTES_MAX, type Awaitable, type EnrolmentHandlers } from './hub-handlers.js';
import type { EnrolmentReplyInit, JoinRequest, SignedRequest } from './messages.js';

/** The secret of a one-time token is far shorter. */
const TOKEN_CHARACTERS_MAX = 512;
/** Requests at one time, of all who ask: each costs signatures to verify, and anybody may ask. */
const REQUESTS_MAX = 64;

/** Hands requests to enrol on to the coordinator: those that have the form of one, and not too many at once. */
export class EnrolmentDesk {
  #open = 0;

  constructor(private readonly handlers: EnrolmentHandlers) {}

  join(request: JoinRequest): Promise<EnrolmentReplyInit> {
    return this.#serve(request, () => {
      const { length } = request.token;
      if (length === 0 || length > TOKEN_CHARACTERS_MAX) throw new Fault('MESSAGE_MALFORMED', { field: 'token' });
      return this.handlers.join(request);
    });
  }

  collect(request: SignedRequest): Promise<EnrolmentReplyInit> {
    return this.#serve(request, (envelope) => this.handlers.collect(envelope));
  }

  renew(request: SignedRequest): Promise<EnrolmentReplyInit> {
    return this.#serve(request, (envelope) => this.handlers.renew(envelope));
  }

  rekey(request: SignedRequest): Promise<EnrolmentReplyInit> {
    return this.#serve(request, (envelope) => this.handlers.rekey(envelope));
  }

  /** Faults: MESSAGE_MALFORMED, OVERLOADED, and the handler's. */
  async #serve(
    { envelope }: { envelope: Uint8Array },
    work: (envelope: Uint8Array) => Awaitable<EnrolmentReplyInit>,
  ): Promise<EnrolmentReplyInit> {
    const { byteLength } = envelope;
    if (byteLength === 0 || byteLength > ENVELOPE_BYTES_MAX) {
      throw new Fault('MESSAGE_MALFORMED', {
        field: 'envelope',
        expectedBytesMax: ENVELOPE_BYTES_MAX,
        came: byteLength,
      });
    }
    if (this.#open >= REQUESTS_MAX) throw new Fault('OVERLOADED', { waiting: this.#open });
    this.#open += 1;
    try {
      return await work(envelope);
    } finally {
      this.#open -= 1;
    }
  }
}
