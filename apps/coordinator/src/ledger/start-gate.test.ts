import { ManualClock, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { settled } from '../fixtures/world.fixture.js';
import { StartGate, WITNESSES_WAIT_MS } from './start-gate.js';

const sites = (n: number): SiteName[] => Array.from({ length: n }, (_, i) => `site-${i}` as SiteName);

async function isOpen(gate: StartGate): Promise<boolean> {
  let open = false;
  gate.opened.then(
    () => (open = true),
    () => {},
  );
  await settled();
  return open;
}

describe('the gate at a start', () => {
  it('is open where nobody has ever come', async () => {
    expect(await isOpen(new StartGate([], new ManualClock()))).toBe(true);
  });

  // By hand, ⌊(n + ⌊(n − 1) / 3⌋) / 2⌋ + 1.
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [7, 5],
    [10, 7],
  ])('of %i witnesses opens with the %ith that agrees', async (n, needed) => {
    const gate = new StartGate(sites(n), new ManualClock());
    for (const [i, site] of sites(n).entries()) {
      expect(await isOpen(gate)).toBe(i >= needed);
      gate.agrees(site);
    }
    expect(await isOpen(gate)).toBe(true);
  });

  it('counts no site twice and no stranger', async () => {
    const gate = new StartGate(sites(2), new ManualClock());
    for (const site of ['site-0', 'site-0', 'stranger', 'constructor']) gate.agrees(site as SiteName);
    expect(await isOpen(gate)).toBe(false);
  });

  it('waits a while for witnesses that stay away, and not for ever', async () => {
    const clock = new ManualClock();
    const gate = new StartGate(sites(3), clock);
    clock.advance(WITNESSES_WAIT_MS - 1);
    expect(await isOpen(gate)).toBe(false);
    clock.advance(1);
    expect(await isOpen(gate)).toBe(true);
  });

  it('lets go of who waits when the program ends', async () => {
    const gate = new StartGate(sites(3), new ManualClock());
    const waiting = expect(gate.opened).rejects.toMatchObject({ code: 'CANCELLED' });
    gate.close();
    await waiting;
  });
});
