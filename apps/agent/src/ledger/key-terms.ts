import { keyId } from '@consilium/identity';
import type { Checkpoint, SiteEvent } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import type { Identity } from '../identity.js';

/** A key of this site's and the checkpoints of its log that it may have signed. */
export interface SigningTerm {
  readonly key: Uint8Array;
  maySign(checkpoint: Checkpoint): boolean;
}

/** A place in a log of several shards: so many entries of that shard, which is counted from 0. */
interface Place {
  readonly shard: number;
  readonly size: number;
}

/**
 * The site's keys, each with its stretch of the log: the present one has it all ahead, a former one ends where the log
 * says that another took over. What a former key has signed beyond is not this site's word any more.
 *
 * @param origins of the shards, oldest first.
 */
export function signingTerms(
  { signing, formerKeys }: Pick<Identity, 'signing' | 'formerKeys'>,
  past: readonly SiteEvent[],
  origins: readonly string[],
): readonly SigningTerm[] {
  const ends = endsOf(past);
  // A rekeying that was cut short before its entry is entered at this start, at the end of what there is.
  const here = placeAfter(past);
  const formerly = formerKeys.map((key): SigningTerm => {
    const end = ends.get(keyId(key)) ?? here;
    return {
      key,
      maySign: ({ origin, size }) => {
        const shard = origins.indexOf(origin);
        return shard >= 0 && (shard < end.shard || (shard === end.shard && size <= end.size));
      },
    };
  });
  return [{ key: signing.publicKey, maySign: () => true }, ...formerly];
}

/** Key → the place after the entry by which another took over, which the old key may still have signed. */
export function endsOf(past: readonly SiteEvent[]): ReadonlyMap<Digest, Place> {
  const ends = new Map<Digest, Place>();
  let current: Digest | undefined;
  past.forEach((event, index) => {
    if (event.type !== 'identity.enrolled' && event.type !== 'identity.rekeyed') return;
    if (current) ends.set(current, placeAfter(past.slice(0, index + 1)));
    current = event.signing;
  });
  return ends;
}

function placeAfter(events: readonly SiteEvent[]): Place {
  const opening = events.findLastIndex(({ type }) => type === 'shard.opened');
  const shards = events.filter(({ type }) => type === 'shard.opened').length;
  return { shard: shards - 1, size: events.length - opening };
}
