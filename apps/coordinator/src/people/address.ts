import type { Request } from '../http/reply.js';

/** How a request's sender is known. */
export interface AddressTerms {
  /** Whether a proxy of ours stands in front and writes `X-Forwarded-For`; without one the header is anybody's. */
  readonly forwardedFor: boolean;
}

/** The sender's address: the peer of the connection, or what the nearest proxy saw, which is the last one named. */
export function addressOf({ headers, raw }: Request, { forwardedFor }: AddressTerms): string {
  const told = forwardedFor ? [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim() : undefined;
  return told || (raw.socket.remoteAddress ?? 'unknown');
}
