import type { Clock } from '@consilium/stdx';
import type { Locate, ProgramName } from '../programs/locate.js';
import type { Terminal } from '../terminal.js';
import { childEnv, type Children } from './children.js';
import type { Layout } from './layout.js';
import { runToEnd, type OneShotListener } from './one-shot.js';

export interface ProgramOrder {
  readonly program: ProgramName;
  /** Whose work it is, as people are told. */
  readonly name: string;
  /** The log's name. */
  readonly log: string;
  readonly args: readonly string[];
  /** Ends it before the whole work ends. */
  readonly signal?: AbortSignal;
}

/** Runs a command that works and ends (`agent data`, `agent join`, `audit report`) and answers its last JSON line. */
export type ProgramCommand = (
  order: ProgramOrder,
  say: (line: string) => void,
  listener?: Pick<OneShotListener, 'onLine' | 'isAnswer'>,
) => Promise<unknown>;

export const programCommand =
  (ports: {
    children: Children;
    clock: Clock;
    signal: AbortSignal;
    layout: Layout;
    terminal: Pick<Terminal, 'env'>;
    locate: Locate;
  }): ProgramCommand =>
  ({ program, name, log, args, signal }, say, listener) =>
    runToEnd(
      {
        name,
        entry: ports.locate(program),
        args,
        env: childEnv(ports.terminal.env, program),
        log: ports.layout.log(log),
        speaks: 'lines',
      },
      { ...ports, signal: signal ? AbortSignal.any([ports.signal, signal]) : ports.signal },
      { ...listener, onStart: (pid) => say(`started ${name} (process ${pid})`) },
    );
