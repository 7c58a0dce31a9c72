import type { Target } from './programs.js';
import type { SessionOptions } from './session.js';

/** How and where programs run. */
export interface Machine extends SessionOptions {
  readonly target: Target;
}
