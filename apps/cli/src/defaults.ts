/** The state directory of `consilium up`, below the working directory. */
export const DEFAULT_STATE = '.consilium';
