import { certificateFacts, createIntermediate, peerOf, verifyChain } from '@consilium/identity';
import { ManualClock } from '@consilium/stdx';
import type { TlsFiles } from '@consilium/wire';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { Federation } from '../fixtures/federation.fixture.js';
import { settled } from '../fixtures/world.fixture.js';
import { MemoryLedger } from '../ledger/memory-ledger.js';
import { HOUR_MS, START_MS } from './desk.fixture.js';
import { OwnCertificate } from './own-certificate.js';

let federation: Federation;
let clock: ManualClock;
let ledger: MemoryLedger;
beforeEach(async () => {
  clock = new ManualClock(START_MS);
  ledger = new MemoryLedger();
  federation = await Federation.found('demo', [], clock.now);
});
const issue = (identity = federation.identity): Promise<OwnCertificate> =>
  OwnCertificate.issue({
    identity,
    federation: 'demo',
    hosts: ['hub.example.org', '10.0.0.7'],
    ledger,
    clock,
    log: pino({ level: 'silent' }),
  });

describe('the coordinator’s own certificate', () => {
  it('is a day’s leaf of the intermediate, written down before anybody sees it', async () => {
    const { files, spki } = await issue();
    const leaf = verifyChain({ chainPem: files.certificate, rootPem: files.ca, now: clock.now() });
    expect(peerOf(leaf, 'demo')).toEqual({ kind: 'coordinator' });
    const notAfter = START_MS + 24 * HOUR_MS;
    expect(certificateFacts(leaf)).toMatchObject({ notAfter, publicKeyPin: spki });
    expect(ledger.events).toEqual([{ type: 'cert.issued', site: null, spki, notAfter, reason: 'start' }]);
  });

  it('is made anew at two thirds of its life, with another key, and again after that', async () => {
    const own = await issue();
    const first = own.files.privateKey;
    const used: TlsFiles[] = [];
    own.keepFresh((files) => used.push(files));
    clock.advance(16 * HOUR_MS - 600_000);
    expect(used).toEqual([]);
    clock.advance(600_000);
    await expect.poll(() => used.length).toBe(1);
    expect(used[0]!.privateKey).not.toBe(first);
    expect(certificateFacts(used[0]!.certificate).notAfter).toBe(START_MS + 40 * HOUR_MS);
    clock.advance(16 * HOUR_MS);
    await expect.poll(() => used.length).toBe(2);
    expect(ledger.events.filter((event) => event.type === 'cert.issued' && event.reason === 'renew')).toHaveLength(2);
    own.close();
    clock.advance(20 * HOUR_MS);
    await settled();
    expect(used).toHaveLength(2);
  });

  it('is tried again every minute while the ledger cannot be written, and not used unrecorded', async () => {
    const own = await issue();
    const used: TlsFiles[] = [];
    own.keepFresh((files) => used.push(files));
    const { record } = ledger;
    let tries = 0;
    ledger.record = () => Promise.reject(new Error(`disk full, ${++tries}`));
    clock.advance(16 * HOUR_MS);
    await expect
      .poll(() => {
        clock.advance(60_000);
        return tries;
      })
      .toBeGreaterThan(3);
    expect(used).toEqual([]);
    ledger.record = record.bind(ledger);
    await expect
      .poll(() => {
        clock.advance(60_000);
        return used.length;
      })
      .toBe(1);
    own.close();
  });

  it('is not made with an intermediate that the root does not stand behind', async () => {
    const { root } = await Federation.found('demo', [], clock.now);
    const intermediate = await createIntermediate({ root, federation: 'demo', now: clock.now(), days: 10 });
    await expect(issue({ ...federation.identity, intermediate })).rejects.toMatchObject({
      code: 'PEER_CERTIFICATE_FOREIGN',
    });
    expect(ledger.events).toEqual([]);
  });
});
