import { Fault, type Code } from '@consilium/stdx';

/** The code with which work is refused, or `accepted`; an error that is no Fault of ours fails the test. */
export function codeOf(work: () => unknown): Code | 'accepted' {
  try {
    work();
    return 'accepted';
  } catch (error) {
    if (!Fault.is(error)) throw error;
    return error.code;
  }
}

/** The same for work that takes time. */
export const codeOfAsync = (work: Promise<unknown>): Promise<Code | 'accepted'> =>
  work.then(
    () => 'accepted',
    (error: unknown) =>
      codeOf(() => {
        throw error;
      }),
  );

/** Byte strings that differ from this one in one bit: each, or every so many, odd so that all eight of a byte come up. */
export function* flips(bytes: Uint8Array, stride: 1 | 5 | 7 | 9 | 11 = 1): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.byteLength * 8; bit += stride) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    yield changed;
  }
}
