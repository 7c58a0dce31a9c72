/** The only source of time. `now` is UTC milliseconds and may jump; deadlines use `monotonic`, milliseconds that never go back. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Calls back once after `ms`; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** A clock that tests move by hand. */
export class ManualClock implements Clock {
  #timers: { at: number; callback: () => void }[] = [];
  constructor(public time = 0) {}

  now = (): number => this.time;
  monotonic = (): number => this.time;

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time forward and fires what is due, earliest first. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.time = Math.max(this.time, due.at);
      due.callback();
    }
    this.time = until;
  }
}
