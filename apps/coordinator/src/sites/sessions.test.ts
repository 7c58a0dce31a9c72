import type { RunId } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { alpha, beta } from '../fixtures/plan.fixture.js';
import { HeardSite } from '../fixtures/world.fixture.js';
import { Sessions } from './sessions.js';

const run = 'run-0000000001' as RunId;
const offer = (key: string) => ({ key, message: { planOffer: { run } } });

describe('sessions', () => {
  it('know who is connected', () => {
    const sessions = new Sessions();
    const leave = sessions.open(alpha, new HeardSite());
    expect([sessions.count, sessions.has(alpha), sessions.has(beta)]).toEqual([1, true, false]);
    leave();
    expect([...sessions.connected]).toEqual([]);
  });

  it('serve the newest session of a site only: the older one ends with SESSION_REPLACED', () => {
    const sessions = new Sessions();
    const [older, newer] = [new HeardSite(), new HeardSite()];
    const leaveOlder = sessions.open(alpha, older);
    sessions.open(alpha, newer);
    expect(older.closedBy).toMatchObject({ code: 'SESSION_REPLACED' });
    leaveOlder();
    expect(sessions.has(alpha)).toBe(true);
    sessions.send(alpha, { runEnded: {} });
    expect([older.kinds, newer.kinds]).toEqual([[], ['runEnded']]);
  });

  it('say nothing to a site that is away', () => {
    expect(new Sessions().send(alpha, { runEnded: {} })).toBe(false);
  });

  it('offer the same thing once in a session, another thing at once, and all again in the next session', () => {
    const sessions = new Sessions();
    const heard = new HeardSite();
    sessions.open(alpha, heard);
    for (const key of ['round 1', 'round 1', 'round 2', 'round 2']) sessions.offer(alpha, run, offer(key));
    expect(heard.kinds).toHaveLength(2);
    sessions.forget(run);
    sessions.offer(alpha, run, offer('round 2'));
    expect(heard.kinds).toHaveLength(3);
    const next = new HeardSite();
    sessions.open(alpha, next);
    sessions.offer(alpha, run, offer('round 2'));
    expect(next.kinds).toHaveLength(1);
  });

  it('offer again what could not be sent', () => {
    const sessions = new Sessions();
    let open = false;
    const heard: unknown[] = [];
    const session = { send: (message: unknown) => open && heard.push(message) > 0, close: () => {} };
    sessions.open(alpha, session);
    sessions.offer(alpha, run, offer('round 1'));
    open = true;
    sessions.offer(alpha, run, offer('round 1'));
    expect(heard).toHaveLength(1);
  });
});
