import { Fault, type Code } from '@consilium/stdx';

/**
 * This site's own state cannot be relied upon: it takes nothing more, is damaged, or is an old copy of itself. It is
 * told from a Fault of the same code that came over the wire, which is the coordinator's trouble and not ours.
 */
export class StateFault extends Fault {}

const OF_THE_STATE: readonly Code[] = ['LEDGER_UNWRITABLE', 'LEDGER_CORRUPT'];

/** The outcome of work on this site's own state, with what does not heal as a StateFault. A full disk does heal. */
export async function ownState<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!Fault.is(error) || error instanceof StateFault || !OF_THE_STATE.includes(error.code)) throw error;
    throw new StateFault(error.code, error.facts, error.cause);
  }
}

/**
 * Whether an error must end the agent: one of its own state, since nothing may leave unrecorded; or it is not a Fault at
 * all and so a bug of ours, after which nothing here can be relied upon. A supervisor starts the agent again.
 */
export const isFatal = (error: unknown): boolean => !Fault.is(error) || error instanceof StateFault;
