import type { Clock } from '@consilium/stdx';
import type { Locate } from '../programs/locate.js';
import type { Terminal } from '../terminal.js';
import { childEnv, type Children } from './children.js';
import type { Layout } from './layout.js';
import { runToEnd } from './one-shot.js';

export interface AgentOrder {
  /** Whose work it is, as people are told. */
  readonly name: string;
  /** The log's name. */
  readonly log: string;
  readonly args: readonly string[];
}

/** Runs one of the agent's commands that work and end (`data`, `train`, `evaluate`) and answers its last JSON line. */
export type AgentCommand = (
  order: AgentOrder,
  say: (line: string) => void,
  onLine?: (value: unknown) => void,
) => Promise<unknown>;

export const agentCommand =
  (ports: {
    children: Children;
    clock: Clock;
    signal: AbortSignal;
    layout: Layout;
    terminal: Pick<Terminal, 'env'>;
    locate: Locate;
  }): AgentCommand =>
  ({ name, log, args }, say, onLine) =>
    runToEnd(
      {
        name,
        entry: ports.locate('agent'),
        args,
        env: childEnv(ports.terminal.env, 'agent'),
        log: ports.layout.log(log),
        speaks: 'lines',
      },
      ports,
      (pid) => say(`started ${name} (process ${pid})`),
      onLine,
    );
