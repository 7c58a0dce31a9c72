import type { Code } from '@consilium/stdx';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Observer } from './runs/observer.js';
import type { Sessions } from './sites/sessions.js';

/** The program's figures for Prometheus. No label ever holds a site, a run or anything else that grows without bound. */
export class Telemetry implements Observer {
  readonly #registry = new Registry();
  readonly #rounds = new Counter({
    name: 'consilium_rounds_total',
    help: 'Rounds that are over, by outcome.',
    labelNames: ['outcome'],
    registers: [this.#registry],
  });
  readonly #roundSeconds = new Histogram({
    name: 'consilium_round_duration_seconds',
    help: 'From the start of a round to its end.',
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86_400],
    registers: [this.#registry],
  });
  readonly #updates = new Counter({
    name: 'consilium_updates_total',
    help: 'Updates, by what became of them: committed, or the code of the refusal.',
    labelNames: ['outcome'],
    registers: [this.#registry],
  });
  readonly #witnessSeconds = new Histogram({
    name: 'consilium_offer_witness_duration_seconds',
    help: 'From when an offer was due to when enough sites had cosigned that it stands in the log.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60],
    registers: [this.#registry],
  });
  readonly #bytes = new Counter({
    name: 'consilium_transfer_bytes_total',
    help: 'Bytes of updates received (up) and of models sent (down).',
    labelNames: ['direction'],
    registers: [this.#registry],
  });

  constructor(sessions: Sessions) {
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: 'consilium_sites_connected',
      help: 'Sites with an open session.',
      registers: [this.#registry],
      collect() {
        this.set(sessions.count);
      },
    });
  }

  roundClosed(outcome: 'published' | 'abandoned', ms: number): void {
    this.#rounds.inc({ outcome });
    this.#roundSeconds.observe(ms / 1000);
  }

  updateCommitted(): void {
    this.#updates.inc({ outcome: 'committed' });
  }

  updateRefused(code: Code): void {
    this.#updates.inc({ outcome: code });
  }

  offerWitnessed(ms: number): void {
    this.#witnessSeconds.observe(ms / 1000);
  }

  bytes(direction: 'up' | 'down', bytes: number): void {
    this.#bytes.inc({ direction }, bytes);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
