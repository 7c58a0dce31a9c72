import { ManualClock, type RunId } from '@consilium/stdx';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StillAllowed } from '../people/allow.js';
import type { RunCatalog } from '../runs/catalog.js';
import { RunFeed } from '../runs/feed.js';
import type { RunView } from '../runs/shapes.js';
import type { Reply, Request } from './reply.js';
import { RunEvents } from './run-events.js';

const RUN = 'run-0000000000' as RunId;

class Raw extends EventEmitter {
  ended = false;
  writeHead = (): this => this;
  write = (): boolean => true;
  end = (): void => void (this.ended = true);
}

let clock: ManualClock;
let events: RunEvents;
beforeEach(() => {
  clock = new ManualClock();
  const run = { id: RUN, state: 'training' } as RunView;
  const catalog = { show: async () => run, showActive: () => run } as unknown as RunCatalog;
  events = new RunEvents(catalog, new RunFeed(clock), clock);
});

/** Somebody who watches a run. */
async function watch(still: StillAllowed): Promise<Raw> {
  const raw = new Raw();
  const reply = { hijack: () => ({ raw }), raw } as unknown as Reply;
  await events.stream(RUN, { raw: new EventEmitter() } as unknown as Request, reply, still);
  return raw;
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('who watches a run', () => {
  it('is cut off within half a minute when they may no longer', async () => {
    let may = true;
    const [watcher, other] = [await watch(async () => may), await watch(async () => true)];
    for (let i = 0; i < 10; i++) {
      clock.advance(30_000);
      await settle();
    }
    expect([watcher.ended, other.ended]).toEqual([false, false]);
    may = false;
    clock.advance(30_000);
    await settle();
    expect([watcher.ended, other.ended]).toEqual([true, false]);
  });

  it('is cut off where the accounts cannot be asked', async () => {
    const watcher = await watch(() => Promise.reject(new Error('the database is gone')));
    clock.advance(30_000);
    await settle();
    expect(watcher.ended).toBe(true);
  });

  it('is not asked about any more after the end', async () => {
    let asked = 0;
    const watcher = await watch(async () => Boolean(++asked));
    events.close();
    clock.advance(120_000);
    await settle();
    expect([watcher.ended, asked]).toEqual([true, 0]);
  });
});
