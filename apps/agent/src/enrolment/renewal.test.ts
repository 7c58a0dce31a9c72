import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StateFault } from '../fatal.js';
import { readIdentity } from '../identity.js';
import { IdentityFolder } from './folder.js';
import { FEDERATION, openDesk, SITE } from './hub.fixture.js';
import { joinFederation } from './join.js';
import { finishChange } from './change.js';
import type { Pair } from './own-leaf.js';
import { keepRenewed, renew, type RenewalPorts } from './renewal.js';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 25);
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'consilium-renewal-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An enrolled site, its coordinator's desk, and what was logged and used. */
async function enrolled(clock: ManualClock) {
  const desk = await openDesk(clock);
  desk.admit();
  const signal = new AbortController().signal;
  await joinFederation(desk.token, {
    folder: new IdentityFolder(folder),
    channel: desk.channel,
    clock,
    signal,
    onPending: () => {},
  });
  const happened: string[] = [];
  const used: Pair[] = [];
  const sent: Uint8Array[] = [];
  const ports: RenewalPorts = {
    site: SITE,
    federation: FEDERATION,
    identity: await readIdentity(folder),
    folder,
    channel: desk.channel,
    clock,
    random: () => 0,
    log: { info: () => {}, warn: () => {} },
    sending: async (request) => void sent.push(request),
    record: async ({ notAfter }) => void happened.push(`logged ${notAfter - clock.now()}`),
    use: (pair) => void (happened.push('used'), used.push(pair)),
  };
  return { desk, ports, happened, used, sent };
}
const renewals = (calls: readonly string[]): number => calls.filter((call) => call === 'renew').length;
const until = (done: () => boolean): Promise<void> =>
  vi.waitUntil(done, { timeout: 10_000, interval: 5 }).then(() => {});

describe('the certificate’s renewal', () => {
  it('comes at two thirds of its life, for a new key, and is logged before it is used', async () => {
    const clock = new ManualClock(NOW);
    const { desk, ports, happened, used } = await enrolled(clock);
    const stop = new AbortController();
    const { ready, ended } = keepRenewed(ports, stop.signal);
    await ready;
    clock.advance(15 * HOUR);
    expect(renewals(desk.calls)).toBe(0);
    clock.advance(1.5 * HOUR);
    await until(() => used.length === 1);
    expect(happened).toEqual([`logged ${24 * HOUR}`, 'used']);
    expect(used[0]!.privateKeyPem).not.toBe(ports.identity.privateKeyPem);
    expect(await readIdentity(folder)).toMatchObject(used[0]!);
    stop.abort();
    await ended;
  });

  it('brings a site back that was away for 72 hours, without a person', async () => {
    const clock = new ManualClock(NOW);
    const { ports, used } = await enrolled(clock);
    clock.advance(72 * HOUR);
    const stop = new AbortController();
    const { ready, ended } = keepRenewed(ports, stop.signal);
    await ready; // only once the certificate is good again
    expect(used).toHaveLength(1);
    stop.abort();
    await ended;
  });

  it('is tried again while the coordinator is away, and never asked with the certificate alone', async () => {
    const clock = new ManualClock(NOW);
    const { desk, ports, used } = await enrolled(clock);
    clock.advance(20 * HOUR);
    let away = 2;
    const envelopes: Uint8Array[] = [];
    const renewing: typeof desk.channel.renew = async (envelope) => {
      envelopes.push(envelope);
      if (away-- > 0) throw new Fault('UNAVAILABLE');
      return desk.channel.renew(envelope);
    };
    const stop = new AbortController();
    const { ended } = keepRenewed({ ...ports, channel: { renew: renewing } }, stop.signal);
    for (let tries = 0; used.length === 0 && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clock.advance(1_000);
    }
    expect(envelopes).toHaveLength(3);
    expect(new Set(envelopes.map((bytes) => Buffer.from(bytes).toString())).size).toBe(3); // a nonce each
    stop.abort();
    await ended;
  });

  it('does not take a certificate for another key', async () => {
    const clock = new ManualClock(NOW);
    const { desk, ports, used } = await enrolled(clock);
    const { privateKeyPem } = ports.identity;
    const old = { state: 'admitted', certificate: ports.identity.certificatePem, roster: Buffer.alloc(0) };
    const work = renew({ ...ports, channel: { renew: async () => old } }, new AbortController().signal);
    await expect(work).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
    expect(used).toEqual([]);
    expect((await readIdentity(folder)).privateKeyPem).toBe(privateKeyPem);
    expect(renewals(desk.calls)).toBe(0);
  });

  it('that was killed between its two files is the new one to whoever reads, and finished at the next start', async () => {
    const clock = new ManualClock(NOW);
    const { ports, used } = await enrolled(clock);
    const before = ports.identity;
    await renew(ports, new AbortController().signal);
    const [pair] = used;
    // As a kill leaves it: both in one file, one of the old names still with the old content.
    const files = { certificate: pair!.certificatePem, privateKey: pair!.privateKeyPem };
    writeFileSync(join(folder, 'change.json'), JSON.stringify({ schema: 'consilium.identity-change/1', files }));
    writeFileSync(join(folder, 'certificate.pem'), before.certificatePem);
    expect(await readIdentity(folder)).toMatchObject(pair!);
    await finishChange(folder);
    expect(await readIdentity(folder)).toMatchObject(pair!);
    expect(existsSync(join(folder, 'change.json'))).toBe(false);
    await finishChange(folder); // again is harmless
  });

  it('is written in the log before its certificate is on disk: the log knows every one that was ever used', async () => {
    const clock = new ManualClock(NOW);
    const { ports, used, sent } = await enrolled(clock);
    const record = async (): Promise<never> => {
      throw new Fault('DISK_FULL');
    };
    const work = renew({ ...ports, record }, new AbortController().signal);
    await expect(work).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(used).toEqual([]);
    expect(await readIdentity(folder)).toMatchObject({ certificatePem: ports.identity.certificatePem });
    expect(sent).toHaveLength(1); // and the request before it left
  });

  it('is not asked for where the log takes no request', async () => {
    const clock = new ManualClock(NOW);
    const { desk, ports } = await enrolled(clock);
    const sending = async (): Promise<never> => {
      throw new Fault('DISK_FULL');
    };
    await expect(renew({ ...ports, sending }, new AbortController().signal)).rejects.toBeInstanceOf(Fault);
    expect(renewals(desk.calls)).toBe(0);
  });

  it('stops the agent when its log takes nothing any more', async () => {
    const clock = new ManualClock(NOW);
    const { ports } = await enrolled(clock);
    clock.advance(20 * HOUR);
    const record = async (): Promise<never> => {
      throw new StateFault('LEDGER_UNWRITABLE');
    };
    const { ready, ended } = keepRenewed({ ...ports, record }, new AbortController().signal);
    await ready; // the old certificate is still good
    await expect(ended).rejects.toMatchObject({ code: 'LEDGER_UNWRITABLE' });
  });

  it('stops nothing when it is the coordinator’s log that takes nothing', async () => {
    const clock = new ManualClock(NOW);
    const { desk, ports, used } = await enrolled(clock);
    clock.advance(20 * HOUR);
    let broken = 1;
    const renewing: typeof desk.channel.renew = async (envelope) => {
      if (broken-- > 0) throw new Fault('LEDGER_UNWRITABLE');
      return desk.channel.renew(envelope);
    };
    const stop = new AbortController();
    const { ended } = keepRenewed({ ...ports, channel: { renew: renewing } }, stop.signal);
    for (let tries = 0; used.length === 0 && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clock.advance(1_000);
    }
    expect(used).toHaveLength(1);
    stop.abort();
    await ended;
  });

  it('lets go at the end though no certificate was ever good', async () => {
    const clock = new ManualClock(NOW);
    const { ports } = await enrolled(clock);
    clock.advance(72 * HOUR);
    let asked!: () => void;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const renewing = (_: Uint8Array, signal?: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        asked();
        signal?.addEventListener('abort', () => reject(new Fault('CANCELLED')));
      });
    const stop = new AbortController();
    const { ready, ended } = keepRenewed({ ...ports, channel: { renew: renewing } }, stop.signal);
    await isAsked;
    stop.abort();
    await Promise.all([ready, ended]);
  });

  it('looks at the clock on the wall: a machine that slept over the date renews within minutes', async () => {
    const clock = new ManualClock(NOW);
    const { ports, used } = await enrolled(clock);
    const stop = new AbortController();
    const { ready, ended } = keepRenewed(ports, stop.signal);
    await ready;
    clock.time += 20 * HOUR; // no timer has moved
    clock.advance(600_000);
    await until(() => used.length === 1);
    stop.abort();
    await ended;
  });
});
