import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import type { SessionMessage } from './outgoing.js';
import { roundOffer } from './plan.fixture.js';
import { progressTeller } from './progress.js';
import { clockAt, settle } from './twins.fixture.js';

function teller() {
  const clock = clockAt();
  const sent: SessionMessage[] = [];
  const fatal: unknown[] = [];
  const guard = { send: async (message: SessionMessage): Promise<void> => void sent.push(message) };
  const tell = progressTeller(roundOffer(), guard, clock, (error) => fatal.push(error));
  return { clock, sent, fatal, guard, tell: (step: number, loss = 0.5) => tell({ step, steps: 100, loss }) };
}

describe('the progress that is told', () => {
  it('is at most two messages a second, however fast the steps are', async () => {
    const { clock, sent, tell } = teller();
    for (let step = 1; step <= 100; step++) {
      tell(step);
      await settle(1);
      clock.advance(20);
    }
    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.length).toBeLessThanOrEqual(5);
    expect(sent[0]).toMatchObject({ kind: 'training-progress', step: 1, steps: 100, loss: 0.5 });
  });

  it('has one message on its way at a time', async () => {
    const { clock, sent, guard, tell } = teller();
    let arrive: () => void = () => {};
    guard.send = (message) => (sent.push(message), new Promise((resolve) => (arrive = resolve)));
    tell(1);
    clock.advance(10_000);
    tell(2);
    expect(sent).toHaveLength(1);
    arrive();
    await settle();
    tell(3);
    expect(sent).toHaveLength(2);
  });

  it('is left out without a session, or when the loss is no number, and training goes on', async () => {
    const { clock, fatal, guard, tell } = teller();
    guard.send = () => Promise.reject(new Fault('UNAVAILABLE'));
    tell(1);
    await settle();
    clock.advance(1_000);
    tell(2, Number.NaN);
    await settle();
    expect(fatal).toEqual([]);
  });

  it('stops the agent when the log takes nothing more', async () => {
    const { fatal, guard, tell } = teller();
    guard.send = () => Promise.reject(new StateFault('LEDGER_UNWRITABLE'));
    tell(1);
    await settle();
    expect(fatal).toHaveLength(1);
  });
});
