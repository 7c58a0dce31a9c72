import type { SiteName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { MACHINE } from '../people/person-id.js';
import { delta, Desk } from './desk.fixture.js';

let desk: Desk;
beforeEach(async () => void (desk = await Desk.open()));
const ledger = () => desk.membership.world.ledger;
const dropped = (site: string) =>
  ({
    type: 'site.dropped',
    run: 'run-0123456789',
    round: 1,
    attempt: 1,
    site: site as SiteName,
    reason: 'refused',
  }) as never;
const refused = expect.objectContaining({ code: 'LEDGER_ID_NOT_ENROLLED' }) as unknown;

describe('the ledger', () => {
  it('names no site that nobody enrolled, such as a record number that has the form of a name', async () => {
    await expect(ledger().record(dropped('mrn-0048151'))).rejects.toEqual(refused);
    expect(() => ledger().seal([dropped('alpha'), dropped('mrn-0048151')])).toThrowError(refused as Error);
    await ledger().record(dropped('alpha'));
    expect(ledger().seal([dropped('beta')])).toHaveLength(1);
    // The twin below it takes any name: what refuses is this.
    await desk.ledger.record(dropped('mrn-0048151'));
  });

  it('may name a site from the moment that the root has admitted it, and after it was shut out', async () => {
    await expect(ledger().record(dropped(delta))).rejects.toEqual(refused);
    await desk.enrolled();
    await ledger().record(dropped(delta));
    await desk.desks.revocations.revoke(delta, MACHINE);
    await desk.desks.admissions.install(await desk.sign({ kind: 'revoke', site: delta }));
    await ledger().record(dropped(delta));
    desk = await desk.restart();
    await ledger().record(dropped(delta));
  });
});
