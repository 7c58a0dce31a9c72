import {
  COSIGNATURE,
  noteText,
  openCheckpoint,
  parseCheckpointNote,
  quorumOf,
  siteCosigner,
  verifierKey,
} from '@consilium/ledger';
import { Fault, toHex, type Digest, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { keyOf, publicKeyOf, siteKey } from '../fixtures/keys.fixture.js';
import { logKeyOf } from '../fixtures/ledger.fixture.js';
import { settled } from '../fixtures/world.fixture.js';
import { judged, Logs, run, subject, Witnessing } from './federation.fixture.js';

const names = (n: number): SiteName[] => Array.from({ length: n }, (_, i) => `site-${i}` as SiteName);

/** A coordinator whose sites are all there and have cosigned what there is. */
async function logsOf(n: number): Promise<{ logs: Logs; sites: Witnessing[] }> {
  const logs = await Logs.start();
  const sites = names(n).map((name) => new Witnessing(name));
  for (const site of sites) await logs.arrive(site);
  return { logs, sites };
}
/** Whether the promise has settled by now, and to what. */
async function now<T>(promise: Promise<T>): Promise<T | undefined> {
  let value: T | undefined;
  promise.then(
    (given) => (value = given),
    () => {},
  );
  await settled();
  return value;
}
const mute = async (): Promise<undefined> => undefined;

describe('evidence for an offer', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i + 1))(
    'among %i sites comes with the quorum’s last cosignature, not before, and is what a site believes',
    async (n) => {
      const { logs, sites } = await logsOf(n);
      const waiting: (() => void)[] = [];
      for (const site of sites) {
        const opened = new Promise<void>((resolve) => waiting.push(resolve));
        site.answer = async (asked) => (await opened, site.hand.witness(asked));
      }
      await logs.offer(1);
      const sought = logs.seek(1, names(n), 'site-0');
      for (const [i, open] of waiting.entries()) {
        expect((await now(sought)) !== undefined, `after ${i}`).toBe(i >= quorumOf(n));
        open();
      }
      const evidence = (await now(sought))!;
      const { entry, cosigned } = judged(evidence, names(n));
      expect(entry).toMatchObject({ type: 'round.offered', run, round: 1, attempt: 1 });
      expect(cosigned.size).toBeGreaterThanOrEqual(quorumOf(n));
      expect(logs.failures).toEqual([]);
    },
  );

  it('asks each site once for all offers of a round, from where its last cosignature stands', async () => {
    const { logs, sites } = await logsOf(4);
    for (const round of [1, 2]) {
      await logs.offer(round);
      await Promise.all(names(4).map((name) => logs.seek(round, names(4), name)));
      await settled();
    }
    for (const { asked } of sites) {
      expect(asked.map(({ oldSize }) => oldSize)).toEqual([0, 3]);
      expect(asked[1]!.consistency.length).toBeGreaterThan(0);
    }
  });

  it('for a reader waits until that reader has cosigned it too', async () => {
    const { logs, sites } = await logsOf(4);
    sites[3]!.answer = mute;
    await logs.offer(1);
    expect(await now(logs.seek(1, names(4), 'site-0'))).toBeDefined();
    expect(await now(logs.seek(1, names(4), 'site-3'))).toBeUndefined();
  });

  it('comes for a site that connects later, with its own cosignature and those of the others', async () => {
    const { logs } = await logsOf(3);
    await logs.offer(1);
    const late = logs.seek(1, names(4), 'site-3');
    expect(await now(logs.seek(1, names(4), 'site-0'))).toBeDefined();
    expect(await now(late)).toBeUndefined();
    await logs.arrive(new Witnessing('site-3' as SiteName));
    expect(judged((await now(late))!, names(4)).cosigned.size).toBe(4);
  });

  it('comes for a site whose session broke while it was asked', async () => {
    const { logs, sites } = await logsOf(2);
    const [one, other] = sites as [Witnessing, Witnessing];
    other.answer = mute;
    await logs.offer(1);
    const sought = logs.seek(1, names(2), 'site-1');
    await settled();
    logs.leave(other);
    other.answer = (asked) => other.hand.witness(asked);
    await logs.arrive(other);
    expect(await now(sought)).toBeDefined();
    expect(one.asked).toHaveLength(1);
  });

  it('does not wait for a silent site when others ask for something newer', async () => {
    const { logs, sites } = await logsOf(4);
    sites[3]!.answer = mute;
    await logs.offer(1);
    const [first] = [logs.seek(1, names(4), 'site-3')];
    await settled();
    await logs.offer(2);
    const second = logs.seek(2, names(4), 'site-0');
    expect(await now(second)).toBeUndefined();
    logs.clock.advance(1000);
    expect(await now(second)).toBeDefined();
    expect(await now(first)).toBeUndefined();
  });

  it('goes on from what the site says that it has cosigned, when we did not know it', async () => {
    const { logs, sites } = await logsOf(1);
    await logs.offer(1);
    await logs.seek(1, names(1), 'site-0');
    logs.leave(sites[0]!);
    // Its next Hello forgets to tell.
    sites[0]!.hand.cosigned = '';
    await logs.arrive(sites[0]!);
    await logs.offer(2);
    expect(await now(logs.seek(2, names(1), 'site-0'))).toBeDefined();
    expect(sites[0]!.asked.map(({ oldSize }) => oldSize)).toEqual([0, 0, 3]);
    expect(sites[0]!.ended).toEqual([]);
  });

  it('waits for a full disk to heal, and for nothing else', async () => {
    const { logs } = await logsOf(1);
    await logs.offer(1);
    logs.disk.beforeWrite = () => {
      throw new Fault('DISK_FULL');
    };
    const sought = logs.seek(1, names(1), 'site-0');
    expect(await now(sought)).toBeUndefined();
    logs.disk.beforeWrite = () => {};
    logs.clock.advance(1000);
    expect(await now(sought)).toBeDefined();
  });

  it('is given up with CANCELLED', async () => {
    const { logs } = await logsOf(1);
    await logs.offer(1);
    const cancel = new AbortController();
    const sought = expect(logs.seek(1, names(2), 'site-0', cancel.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await settled();
    cancel.abort();
    await sought;
    await expect(logs.seek(1, names(2), 'site-0', cancel.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('of an entry in the shard of last year is still found in the new one', async () => {
    const { logs, sites } = await logsOf(3);
    sites[2]!.answer = mute;
    await logs.offer(1);
    expect(await now(logs.seek(1, names(3), 'site-0'))).toBeDefined();
    logs.clock.time = Date.UTC(2027, 0, 1);
    await logs.offer(2);
    await logs.open.integrator.checkpoint();
    await logs.offer(3);
    expect(judged((await now(logs.seek(3, names(3), 'site-0')))!, names(3)).checkpoint.origin).toBe(
      'demo/coordinator/2027',
    );
    const old = await now(logs.seek(2, names(3), 'site-1'));
    expect(judged(old!, names(3)).checkpoint.origin).toBe('demo/coordinator/2026');
  });
});

describe('a cosignature', () => {
  it('of another key than the one in the plan counts nothing', async () => {
    const logs = await Logs.start({}, (site) => publicKeyOf(site === 'site-1' ? keyOf('rekeyed') : siteKey(site)));
    const sites = names(2).map((name) => new Witnessing(name));
    for (const site of sites) await logs.arrive(site);
    Object.defineProperty(sites[1]!.hand, 'key', { value: keyOf('rekeyed') });
    await logs.offer(1);
    expect(await now(logs.seek(1, names(2), 'site-0'))).toBeUndefined();
    expect(logs.failures).toEqual([]);
  });

  it('of nobody’s key, of other words or of no form at all is refused, and counts nothing', async () => {
    for (const forge of [
      (site: Witnessing) => Object.defineProperty(site.hand, 'key', { value: keyOf('a thief') }),
      (site: Witnessing) => {
        const { answer } = site;
        site.answer = async (asked) => {
          const honest = (await answer(asked))!;
          return {
            ...honest,
            cosignature: Buffer.from(honest.cosignature.toString('utf8').replace(/.{8}$/, 'AAAAAAAA')),
          };
        };
      },
      (site: Witnessing) => {
        site.answer = async ({ note }) => {
          const { size } = parseCheckpointNote(noteText(note)).checkpoint;
          return { size, cosignature: Buffer.from([0xff, 0xfe]), knownSize: size, code: '' };
        };
      },
    ]) {
      const { logs, sites } = await logsOf(1);
      forge(sites[0]!);
      await logs.offer(1);
      expect(await now(logs.seek(1, names(1), 'site-0'))).toBeUndefined();
      expect(logs.failures).toMatchObject([
        { code: expect.stringMatching(/^LEDGER_(SIGNATURE|NOTE)_INVALID$/) as string },
      ]);
    }
  });

  it('stays with the checkpoint on disk, for whoever copies the log', async () => {
    const { logs } = await logsOf(4);
    await logs.offer(1);
    await logs.seek(1, names(4), 'site-0');
    await settled();
    logs.clock.advance(0);
    await settled();
    const note = noteText((await logs.disk.shard('2026')('checkpoint'))!);
    const witnesses = names(4).map((site) =>
      verifierKey(siteCosigner('demo', site), COSIGNATURE, siteKey(site).publicKey),
    );
    expect([...openCheckpoint(note, logKeyOf('2026'), witnesses, { strict: true }).cosigned.keys()].sort()).toEqual(
      names(4).map((site) => `demo/site/${site}`),
    );
  });
});

describe('sites that are not waited for', () => {
  it('are asked about what is new when it has been quiet for a second', async () => {
    const { logs, sites } = await logsOf(2);
    await logs.open.ledger.record({ type: 'user.denied', code: 'ACCESS_DENIED' });
    await logs.open.integrator.checkpoint();
    await settled();
    expect(sites[0]!.asked).toEqual([]);
    logs.clock.advance(1000);
    await settled();
    expect(sites[0]!.asked).toHaveLength(1);
  });

  it('are not asked because of their own checkpoints, or two logs that watch each other would never rest', async () => {
    const { logs, sites } = await logsOf(1);
    await logs.open.integrator.checkpoint();
    logs.clock.advance(1000);
    await settled();
    const asked = sites[0]!.asked.length;
    const root = '0'.repeat(64) as Digest;
    await logs.open.ledger.record({ type: 'site.checkpoint', site: 'site-0' as SiteName, year: 2026, size: 1, root });
    await logs.open.integrator.checkpoint();
    logs.clock.advance(5000);
    await settled();
    expect(sites[0]!.asked).toHaveLength(asked);
  });

  it('are not asked where nobody knows their key', async () => {
    const logs = await Logs.start({}, () => undefined);
    const stranger = new Witnessing('site-9' as SiteName);
    await logs.arrive(stranger);
    logs.clock.advance(5000);
    await settled();
    expect(stranger.asked).toEqual([]);
  });
});

describe('a site that will not cosign', () => {
  const refusing = (code: string, knownSize: number) => async () => ({
    size: 3,
    cosignature: Buffer.alloc(0),
    knownSize,
    code,
  });
  const alerts = (logs: Logs): string[] =>
    logs.tables.ledger.rows.flatMap(({ entry }) => /"kind":"(\w+)"/.exec(entry)?.slice(1) ?? []);

  it('and says that it knows more than we have ends its session, alarms once, and stops nothing by its word alone', async () => {
    const { logs, sites } = await logsOf(2);
    sites[1]!.answer = refusing('LEDGER_ROLLED_BACK', 99);
    await logs.offer(1);
    void logs.seek(1, names(2), 'site-0').catch(() => {});
    await settled();
    expect(sites[1]!.ended).toMatchObject([{ code: 'LEDGER_ROLLED_BACK' }]);
    logs.leave(sites[1]!);
    await logs.arrive(sites[1]!);
    await settled();
    expect(alerts(logs)).toEqual(['rollback']);
    expect(logs.open.halt.why).toBeUndefined();
  });

  it('because it has seen another past alarms', async () => {
    const { logs, sites } = await logsOf(1);
    sites[0]!.answer = refusing('LEDGER_FORKED', 3);
    await logs.offer(1);
    void logs.seek(1, names(1), 'site-0').catch(() => {});
    await settled();
    expect(alerts(logs)).toEqual(['equivocation']);
  });

  it('because of trouble of its own alarms nobody', async () => {
    const { logs, sites } = await logsOf(1);
    sites[0]!.answer = async () => ({ size: 0, cosignature: Buffer.alloc(0), knownSize: 0, code: 'OVERLOADED' });
    await logs.offer(1);
    void logs.seek(1, names(1), 'site-0').catch(() => {});
    await settled();
    expect(alerts(logs)).toEqual([]);
    expect(sites[0]!.ended).toEqual([]);
  });
});

describe('a start', () => {
  it('knows that its state is no old copy when a quorum has cosigned what this start published', async () => {
    const { logs } = await logsOf(1);
    const fresh = logs.desks.evidence.fresh(
      Object.fromEntries(names(2).map((site) => [site, publicKeyOf(siteKey(site))])) as never,
      new AbortController().signal,
    );
    let known = false;
    void fresh.then(() => (known = true));
    await settled();
    expect(known).toBe(false);
    await logs.arrive(new Witnessing('site-1' as SiteName));
    await settled();
    expect(known).toBe(true);
  });

  it('tells a checkpoint that was ours, with the entry inside, from any other', async () => {
    const { logs } = await logsOf(1);
    await logs.offer(1);
    await logs.seek(1, names(1), 'site-0');
    await logs.offer(2);
    await logs.open.integrator.checkpoint();
    const tiles = await logs.open.shards.log(2026001);
    const rootAt = (size: number): Digest => toHex(tiles.rootAt(size)) as Digest;
    const stoodIn = (round: number, size: number, root: Digest): Promise<boolean> =>
      logs.desks.evidence.stoodIn(subject(round), { size, root });
    expect(await stoodIn(1, 3, rootAt(3))).toBe(true);
    expect(await stoodIn(1, 4, rootAt(4))).toBe(true);
    expect(await stoodIn(2, 3, rootAt(3))).toBe(false);
    expect(await stoodIn(1, 3, rootAt(4))).toBe(false);
    expect(await stoodIn(1, 5, rootAt(4))).toBe(false);
    expect(await stoodIn(9, 4, rootAt(4))).toBe(false);
  });
});
