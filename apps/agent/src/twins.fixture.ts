import { Writable } from 'node:stream';
import { Fault, ManualClock } from '@consilium/stdx';
import { utf8 } from '@consilium/stdx';
import { changed, DATASET } from './plan.fixture.js';
import type { Uplink } from './guard.js';
import { openLog, type Log } from './log.js';
import type { Outgoing, OutgoingOf, SessionMessage } from './outgoing.js';
import type { EngineFacts, Evaluating, Progress, Trained, Trainer, Training } from './ports.js';

/** An uplink into memory. What arrived is what left the site. */
export class MemoryUplink implements Uplink {
  readonly left: Outgoing[] = [];
  readonly uploads: { header: OutgoingOf<'update-header'>; bytes: Uint8Array }[] = [];
  session = true;

  /** Told before anything leaves: the place where a test looks into the log. */
  constructor(private readonly leaving: (message: Outgoing) => void = () => {}) {}

  encode = (message: Outgoing): Uint8Array => utf8(JSON.stringify(message));

  requireSession(): void {
    if (!this.session) throw new Fault('UNAVAILABLE');
  }

  async openSession(hello: OutgoingOf<'hello'>): Promise<void> {
    this.#leave(hello);
    this.session = true;
  }

  async send(message: SessionMessage): Promise<void> {
    this.requireSession();
    this.#leave(message);
  }

  async upload(header: OutgoingOf<'update-header'>, bytes: Uint8Array): Promise<void> {
    this.#leave(header);
    this.uploads.push({ header, bytes });
  }

  #leave(message: Outgoing): void {
    this.leaving(message);
    this.left.push(message);
  }
}

export const ENGINE: EngineFacts = {
  name: 'cpu',
  version: '4.22.0',
  deterministic: true,
  selfTestMaxError: 0.001,
  sandbox: 'on',
};

/** A trainer without patients: it adds a little to each weight, and can be told to wait or to fail. */
export class MemoryTrainer implements Trainer {
  readonly trained: Training[] = [];
  readonly evaluated: Evaluating[] = [];
  readonly loaded: string[] = [];
  /** Thrown by the next piece of work. */
  fails: Fault | undefined;
  /** Awaited in the middle of each training. */
  gate: Promise<void> = Promise.resolve();
  closed = false;

  open = async (): Promise<EngineFacts> => ENGINE;

  async load({ folders }: { folders: readonly string[] }) {
    this.#failIfAsked();
    this.loaded.push(...folders);
    return DATASET;
  }

  async train(training: Training, signal: AbortSignal, onProgress?: (progress: Progress) => void): Promise<Trained> {
    this.trained.push(training);
    const steps = training.plan.training.localSteps;
    onProgress?.({ step: 1, steps, loss: 0.7 });
    const aborted = new Promise<never>((_, reject) => {
      const cancel = (): void => reject(new Fault('CANCELLED'));
      if (signal.aborted) cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
    aborted.catch(() => {});
    await Promise.race([this.gate, aborted]);
    this.#failIfAsked();
    onProgress?.({ step: steps, steps, loss: 0.5 });
    return {
      weights: changed(training.weights, (value) => value + 0.01),
      loss: 0.5,
      steps,
      examples: DATASET.train.examples,
    };
  }

  async evaluate(evaluating: Evaluating) {
    this.#failIfAsked();
    this.evaluated.push(evaluating);
    return METRICS;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #failIfAsked(): void {
    const fault = this.fails;
    this.fails = undefined;
    if (fault) throw fault;
  }
}

/** With more digits than may leave. */
const estimate = (value: number) => ({ value: value + 0.000_123, low: value - 0.01, high: value + 0.01 });
export const METRICS = {
  loss: estimate(0.6),
  auc: estimate(0.8),
  accuracy: estimate(0.75),
  sensitivity: estimate(0.7),
  specificity: null,
  brier: estimate(0.2),
  examples: DATASET.test.examples,
};

const share = (value: number) => ({
  value,
  low: Number((value - 0.01).toFixed(2)),
  high: Number((value + 0.01).toFixed(2)),
});
/** What of it may leave. */
export const SHARED = {
  loss: share(0.6),
  auc: share(0.8),
  accuracy: share(0.75),
  sensitivity: share(0.7),
  specificity: null,
  brier: share(0.2),
};

/** A log whose lines a test can read. */
export function memoryLog(level: 'debug' | 'info' = 'debug'): {
  log: Log;
  lines: Record<string, unknown>[];
  text(): string;
} {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return {
    log: openLog({ level, format: 'json' }, destination, false),
    lines,
    text: () => lines.map((line) => JSON.stringify(line)).join('\n'),
  };
}

export const clockAt = (time = 1_700_000_000_000): ManualClock => new ManualClock(time);

/** Lets everything that is ready to happen happen. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
