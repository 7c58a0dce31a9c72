import { Fault, parseShape, withDeadline, type Clock } from '@consilium/stdx';
import { createParser } from 'eventsource-parser';
import { faultOf } from './answer.js';
import { hasEnded } from '../run/states.js';
import { runShape, type Run } from './shapes.js';

export interface RunEvents {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** The coordinator pings each 15 s; a stream silent for longer is given up and opened again. */
  readonly silenceMs: number;
  /** How long to keep trying while the coordinator cannot be reached. */
  readonly patienceMs: number;
  /** The first wait before opening again; doubled up to 2 s. */
  readonly retryMs: number;
}

const DEFAULTS = { silenceMs: 45_000, patienceMs: 60_000, retryMs: 100 };
const RETRY_MS_MAX = 2_000;

/**
 * A run's states as server-sent events (WHATWG HTML §9.2): at once, after each change, and until it has ended.
 * A stream that breaks is opened again, since the coordinator sends the whole run on connect and nothing is lost.
 * Gives up with the last Fault when no event came for `patienceMs`, and at once when the coordinator refuses.
 */
export async function* followRun(
  open: () => Promise<Response>,
  options: Partial<RunEvents> & Pick<RunEvents, 'clock'>,
): AsyncGenerator<Run> {
  const { clock, signal, silenceMs, patienceMs, retryMs } = { ...DEFAULTS, ...options };
  let lastHeard = clock.monotonic();
  let wait = retryMs;
  for (;;) {
    let broken: unknown = new Fault('UNAVAILABLE');
    try {
      for await (const run of eventsOf(await open(), clock, silenceMs)) {
        lastHeard = clock.monotonic();
        wait = retryMs;
        yield run;
        if (hasEnded(run.state)) return;
      }
    } catch (error) {
      broken = error;
    }
    if (signal?.aborted) throw new Fault('CANCELLED', {}, broken);
    const fault = Fault.from(broken, 'UNAVAILABLE');
    if (!PASSING.has(fault.code) || clock.monotonic() - lastHeard >= patienceMs) throw fault;
    await pause(clock, wait, signal);
    wait = Math.min(2 * wait, RETRY_MS_MAX);
  }
}

/** What a restart of the coordinator looks like from here. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'TIMEOUT', 'OVERLOADED', 'DATABASE_UNAVAILABLE']);

async function* eventsOf(response: Response, clock: Clock, silenceMs: number): AsyncGenerator<Run> {
  if (!response.ok) throw await faultOf(response);
  const received: string[] = [];
  const parser = createParser({ onEvent: (event) => event.event === 'run' && received.push(event.data) });
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await withDeadline(reader.read(), clock, silenceMs);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      // Only the newest of the states that came together matters: each is the whole run.
      const newest = received.pop();
      received.length = 0;
      if (newest !== undefined) yield parseRun(newest);
    }
  } finally {
    // Closing a stream that is already broken fails too; there is nothing left to save.
    await reader.cancel().catch(() => undefined);
  }
}

function parseRun(data: string): Run {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (error) {
    throw new Fault('MESSAGE_MALFORMED', { expected: 'JSON' }, error);
  }
  return parseShape(runShape, value, 'MESSAGE_MALFORMED');
}

function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const stop = clock.after(ms, done);
    signal?.addEventListener('abort', done);
  });
}
