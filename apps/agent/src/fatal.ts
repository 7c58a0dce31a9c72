import { Fault } from '@consilium/stdx';

/**
 * Whether an error must end the agent: the journal takes nothing more, so nothing may leave any more; or it is not a
 * Fault at all and so a bug of ours, after which nothing here can be relied upon. A supervisor starts the agent again.
 */
export const isFatal = (error: unknown): boolean => !Fault.is(error) || error.code === 'JOURNAL_UNWRITABLE';
