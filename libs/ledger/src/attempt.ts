import { Fault } from '@consilium/stdx';

/** What came of reading something that others wrote: its value, or the Fault that says what is wrong with it. */
export type Attempt<T> =
  { readonly value: T; readonly fault?: undefined } | { readonly fault: Fault; readonly value?: undefined };

/** Makes a refusal into a value, for those who decide what follows from it. Any other error is ours and passes. */
export function attempt<T>(read: () => T): Attempt<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (Fault.is(error)) return { fault: error };
    throw error;
  }
}
