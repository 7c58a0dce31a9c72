import type { Code } from '@consilium/stdx';

/** Who is told what happens, for figures only: nothing waits for it and nothing depends on it. */
export interface Observer {
  roundClosed(outcome: 'published' | 'abandoned', ms: number): void;
  updateCommitted(): void;
  updateRefused(code: Code): void;
  /** An offer could leave: so long it waited for its evidence. */
  offerWitnessed(ms: number): void;
  bytes(direction: 'up' | 'down', bytes: number): void;
}

export const UNOBSERVED: Observer = {
  roundClosed: () => {},
  updateCommitted: () => {},
  updateRefused: () => {},
  offerWitnessed: () => {},
  bytes: () => {},
};
