import { createRoot } from '@consilium/identity';
import { digestOf } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACCEPTED, FEDERATION, ROOT, ROSTER_DIGEST, ROSTER_DOCUMENT, signedRoster } from './keys.fixture.js';
import { memoryLedger } from './ledger.fixture.js';
import { Rosters } from './rosters.js';

const second = await signedRoster({ version: 2, previous: ROSTER_DIGEST, issuedMs: 2 });
const third = await signedRoster({ version: 3, previous: digestOf(second), issuedMs: 3 });

let memory: ReturnType<typeof memoryLedger>;
beforeEach(() => void (memory = memoryLedger()));
const open = (enrolled = ROSTER_DOCUMENT): Promise<Rosters> =>
  Rosters.open({ ledger: memory.ledger, federation: FEDERATION, rootPem: ROOT.certificatePem }, enrolled);
const refused = { code: 'ROSTER_INVALID' };

describe('the rosters that a site accepts', () => {
  it('begin with that of the enrolment, kept as a document and named in the log', async () => {
    expect((await open()).current).toEqual(ACCEPTED);
    expect(memory.log.entries).toEqual([{ type: 'roster.accepted', version: 1, roster: ROSTER_DIGEST }]);
    expect(await memory.documents.get(ROSTER_DIGEST)).toEqual(ROSTER_DOCUMENT);
  });

  it('go forward only: the newest counts, also after a restart, whatever the folder still has', async () => {
    await (await open()).accept(third);
    memory = memoryLedger(memory.log.entries, memory.documents);
    const again = await open();
    expect(again.current.version).toBe(3);
    expect(memory.log.entries).toEqual([]);
    await expect(again.accept(ROSTER_DOCUMENT)).rejects.toMatchObject(refused);
    await expect(again.accept(second)).rejects.toMatchObject(refused);
    expect((await again.accept(third)).version).toBe(3);
  });

  it('take on a newer one that a rekeying has put into the folder', async () => {
    await open();
    expect((await open(second)).current.version).toBe(2);
  });

  it('follow each other: a second of the same version, or a next that names another before it, is refused', async () => {
    const rosters = await open();
    await expect(rosters.accept(await signedRoster({ issuedMs: 9 }))).rejects.toMatchObject(refused);
    const orphan = await signedRoster({ version: 2, previous: digestOf(third) });
    await expect(rosters.accept(orphan)).rejects.toMatchObject(refused);
    await rosters.accept(second);
    await rosters.accept(third);
    expect(rosters.current.version).toBe(3);
  });

  it('are signed by this federation’s root and by nobody else', async () => {
    const rosters = await open();
    const thief = await createRoot({ federation: FEDERATION, now: Date.now(), days: 1 });
    const forged = await signedRoster({ version: 2, previous: ROSTER_DIGEST }, thief);
    await expect(rosters.accept(forged)).rejects.toMatchObject(refused);
    const flipped = second.slice();
    flipped[40]! ^= 1;
    await expect(rosters.accept(flipped)).rejects.toMatchObject(refused);
    await expect(rosters.accept(new Uint8Array())).rejects.toMatchObject(refused);
    expect(rosters.current).toEqual(ACCEPTED);
    await rosters.accept(second); // the unflipped one
  });

  it('that come at the same time are taken one after the other, and the newest stays', async () => {
    const rosters = await open();
    await Promise.allSettled([rosters.accept(third), rosters.accept(second)]);
    expect(rosters.current.version).toBe(3);
    expect(memory.log.entries.at(-1)).toMatchObject({ type: 'roster.accepted', version: 3 });
  });
});
