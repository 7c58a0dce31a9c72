import type { Fault, SiteName } from '@consilium/stdx';
import type {
  CoordinatorMessageInit,
  EnrolmentReplyInit,
  Hello,
  JoinRequest,
  ModelRequest,
  SiteMessage,
  UpdateHeader,
  UpdateStateInit,
  UploadReceiptInit,
  WelcomeInit,
} from './messages.js';

/**
 * What the coordinator does when a site calls. `peer` is the name in the site's certificate, which belongs to this
 * federation and has not expired; nothing that a message says about its sender counts. A thrown Fault is what the site
 * is told; anything else is told as INTERNAL, and both go to the server's `report`.
 */
export interface HubHandlers {
  /** Answers a Hello of our protocol version, before each session too. `welcomeOf` makes the answer. */
  greet(peer: SiteName, hello: Hello): Awaitable<WelcomeInit>;

  /** Serves one session after its greeting. The session lasts until the promise settles; an error closes it with that status. */
  session(peer: SiteName, session: HubSession): Promise<void>;

  /** How much of exactly this update is here already. */
  query(peer: SiteName, header: UpdateHeader): Awaitable<UpdateStateInit>;

  /**
   * Takes an update's bytes from `header.offset` on. The chunks hold 1 byte to 1 MiB each, and together exactly what the
   * header announced: when fewer come, the iteration throws UPDATE_TRUNCATED, so code after the loop never sees a
   * torn update; one byte more throws UPDATE_TOO_LARGE. The SHA-256 is NOT verified here: the taker checks it over what
   * it stored, together with what came before `offset`. Reading slowly holds the site back.
   */
  upload(
    peer: SiteName,
    header: UpdateHeader,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<UploadReceiptInit>;

  /** The model's bytes from `request.offset` on, in pieces of any size. Read no faster than the site takes them. */
  download(
    peer: SiteName,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

  /** Without it nobody can join or renew here. */
  readonly enrolment?: EnrolmentHandlers;
}

/**
 * How a site becomes one and stays one. Nobody is named here: whoever asks has shown no certificate, or one that is good
 * but says nothing about the request. What the envelope's signatures prove is all that there is. Each envelope holds 1
 * byte to {@link ENVELOPE_BYTES_MAX}, and is otherwise unread.
 */
export interface EnrolmentHandlers {
  join(request: JoinRequest): Awaitable<EnrolmentReplyInit>;
  collect(envelope: Uint8Array): Awaitable<EnrolmentReplyInit>;
  renew(envelope: Uint8Array): Awaitable<EnrolmentReplyInit>;
  rekey(envelope: Uint8Array): Awaitable<EnrolmentReplyInit>;
}

/** A request to enrol: a certificate request and two signatures take less than 4 KiB. */
export const ENVELOPE_BYTES_MAX = 64 * 1024;

/** The coordinator's end of one site's session. */
export interface HubSession {
  readonly hello: Hello;
  /** What the site says after its Hello; ends when the session does, however that came. */
  readonly messages: AsyncIterable<SiteMessage>;
  /** Aborts when the session is over. */
  readonly signal: AbortSignal;
  /**
   * Queues a message; false when the session is over. A site that lets {@link SESSION_BACKLOG_MAX} messages pile up is
   * cut off with OVERLOADED: everything the coordinator says is offered again when a session opens.
   */
  send(message: CoordinatorMessageInit): boolean;
  /** Ends the session, with the fault as its status if one is given. */
  close(fault?: Fault): void;
}

/** Messages that may wait for the other side of a session. */
export const SESSION_BACKLOG_MAX = 256;

export type Awaitable<T> = T | Promise<T>;
