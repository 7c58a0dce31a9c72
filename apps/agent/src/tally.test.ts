import type { SiteEvent } from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { memoryLedger } from './ledger.fixture.js';
import { Tally } from './tally.js';

describe('the sums of what is not logged one by one', () => {
  it('are one entry for each kind and direction, and nothing where nothing was', async () => {
    const { ledger, log } = memoryLedger();
    const tally = new Tally(ledger);
    await tally.settle();
    expect(log.entries).toEqual([]);
    tally.sent('ledger', 10);
    tally.sent('ledger', 5);
    tally.received('ledger', 7);
    tally.received('keepalive', 3);
    await tally.settle();
    await tally.settle();
    expect(log.entries).toEqual<SiteEvent[]>([
      { type: 'egress.summed', kind: 'ledger', messages: 2, bytes: 15 },
      { type: 'ingress.summed', kind: 'ledger', messages: 1, bytes: 7 },
      { type: 'ingress.summed', kind: 'keepalive', messages: 1, bytes: 3 },
    ]);
  });

  it('are counted on when the disk is full, and written when it is not any more', async () => {
    const { ledger, log } = memoryLedger();
    const tally = new Tally(ledger);
    tally.sent('ledger', 10);
    log.fails = new Fault('DISK_FULL');
    await expect(tally.settle()).rejects.toMatchObject({ code: 'DISK_FULL' });
    tally.sent('ledger', 1);
    log.fails = undefined;
    await tally.settle();
    expect(log.entries).toEqual([{ type: 'egress.summed', kind: 'ledger', messages: 2, bytes: 11 }]);
  });
});
