import { manifestOf } from '@consilium/model';
import type { SiteName } from '@consilium/stdx';
import { helloOf, siteChannel } from '@consilium/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bottleneck } from './fixtures/bottleneck.fixture.js';
import { Federation } from './fixtures/federation.fixture.js';
import { openTestHub, startRun, type TestHub } from './fixtures/hub.fixture.js';
import { alpha, beta, planJson, planOf } from './fixtures/plan.fixture.js';
import { FakeSite, until, type SiteHabits } from './fixtures/site.fixture.js';
import { updateBytes } from './fixtures/updates.fixture.js';
import type { RunView } from './runs/shapes.js';

const choices = { hidden: 256, rounds: { count: 1 } };
const manifest = manifestOf(planOf(choices).plan.model);
const bytes = updateBytes(manifest, 'x').byteLength;

let federation: Federation;
beforeAll(async () => {
  federation = await Federation.found();
});
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function openHub(change: Parameters<typeof openTestHub>[1] = {}): Promise<TestHub> {
  const hub = await openTestHub(federation, change);
  undo.push(hub.close);
  return hub;
}
async function networkTo(hub: () => TestHub): Promise<{ network: Bottleneck; address: string }> {
  const network = new Bottleneck(() => Number(hub().grpc.split(':')[1]));
  undo.push(() => network.close());
  return { network, address: `127.0.0.1:${await network.listen()}` };
}
async function join(name: SiteName, address: string, habits: Partial<SiteHabits> = {}): Promise<FakeSite> {
  const site = new FakeSite(name, address, await federation.site(name), { manifest, ...habits });
  undo.push(() => site.close());
  void site.serve();
  return site;
}
/** Who was ever let in. */
const seen = async (hub: TestHub): Promise<unknown[]> => {
  const { sites } = await hub.call<{ sites: { lastSeenMs: number | null }[] }>('/api/v1/sites');
  return sites.filter(({ lastSeenMs }) => lastSeenMs !== null);
};
const show = (hub: TestHub, id: string) => hub.call<RunView>(`/api/v1/runs/${id}`);
const ended = (hub: TestHub, id: string): Promise<RunView> =>
  until(async () => {
    const run = await show(hub, id);
    return run.endedMs !== null && run;
  });

describe('a network that breaks', () => {
  it('in the middle of an upload costs no byte twice, and no attempt', async () => {
    const hub = await openHub();
    const { network, address } = await networkTo(() => hub);
    await join(alpha, hub.grpc);
    await join(beta, address);
    const id = await startRun(hub.call, planJson(choices));
    network.bytesLeft = 300_000;
    await until(async () => (await show(hub, id)).sites[1]!.bytesUp === 0 && network.bytesLeft === 0);
    network.bytesLeft = Infinity;
    network.cut();
    const run = await ended(hub, id);
    expect(run.history.map(({ attempt, contributors }) => [attempt, contributors])).toEqual([[1, ['alpha', 'beta']]]);
    expect(run.sites.map(({ bytesUp }) => bytesUp)).toEqual([bytes, bytes]);
  });

  it('while a site trains is not a refusal: the site comes again and sends what it learned', async () => {
    const hub = await openHub();
    const { network, address } = await networkTo(() => hub);
    let cut = false;
    const cutting: SiteHabits['send'] = async ({ channel }, header, update) => {
      if (!cut) {
        cut = true;
        network.cut();
        throw new Error('the network broke while it trained');
      }
      await channel.upload({ header, bytes: update });
    };
    await join(alpha, hub.grpc);
    const b = await join(beta, address, { send: cutting });
    const run = await ended(hub, await startRun(hub.call, planJson(choices)));
    expect(run.history.map(({ attempt, contributors }) => [attempt, contributors])).toEqual([[1, ['alpha', 'beta']]]);
    expect(b.heard.filter(({ body }) => body === 'roundOffer')).toHaveLength(2);
  });

  it('shows the site as away, and as here again', async () => {
    const hub = await openHub();
    const { network, address } = await networkTo(() => hub);
    await join(alpha, address);
    const connected = async () =>
      (await hub.call<{ sites: { connected: boolean }[] }>('/api/v1/sites')).sites[0]?.connected;
    await until(async () => (await connected()) === true);
    network.bytesLeft = 0;
    network.cut();
    await until(async () => (await connected()) === false);
    network.bytesLeft = Infinity;
    network.cut();
    await until(async () => (await connected()) === true);
  });
});

describe('a coordinator that ends and starts again', () => {
  it('takes its runs up where they were, in the same round and attempt', async () => {
    let hub = await openTestHub(federation);
    const { address } = await networkTo(() => hub);
    const { resources } = hub;
    let released = false;
    const waiting: SiteHabits['send'] = async ({ channel }, header, update) => {
      if (released) await channel.upload({ header, bytes: update });
    };
    await join(alpha, address);
    await join(beta, address, { send: waiting });
    const id = await startRun(hub.call, planJson(choices));
    await until(async () => (await show(hub, id)).sites[0]!.examples);
    await hub.close();
    released = true;
    hub = await openHub(resources);
    const run = await ended(hub, id);
    expect(run.history.map(({ round, attempt, outcome }) => [round, attempt, outcome])).toEqual([[1, 1, 'published']]);
    // What was counted before the end is still counted.
    expect(run.sites.map(({ bytesUp }) => bytesUp)).toEqual([bytes, bytes]);
  });
});

describe('a peer that does not belong', () => {
  it('of another federation gets nowhere, whatever its name', async () => {
    const hub = await openHub();
    const foreign = await (await Federation.found('elsewhere')).site(alpha);
    const ca = federation.root.certificatePem;
    expect(() => siteChannel({ ...foreign, ca, address: hub.grpc, federation: 'demo' })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
    // It may also simply say that it belongs here: then the handshake refuses it.
    const pretending = await (await Federation.found('demo')).site(alpha);
    const channel = siteChannel({ ...pretending, ca, address: hub.grpc, federation: 'demo' });
    undo.push(() => channel.close());
    await expect(channel.greet()).rejects.toMatchObject({
      code: 'CERTIFICATE_REFUSED',
    });
    expect(await seen(hub)).toEqual([]);
  });

  it('of another protocol version is told so, with both versions', async () => {
    const hub = await openHub();
    const channel = siteChannel({ ...(await federation.site(alpha)), address: hub.grpc, federation: 'demo' });
    undo.push(() => channel.close());
    const { messages } = channel.openSession({ ...helloOf('agent of tomorrow'), protocolVersion: 2 });
    await expect(messages[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION_UNSUPPORTED',
      facts: { expected: 1, came: 2 },
    });
    expect(await seen(hub)).toEqual([]);
  });

  it('that the plan does not list hears of nothing and gets no model', async () => {
    const hub = await openHub();
    const stranger = await join('gamma' as SiteName, hub.grpc);
    await join(alpha, hub.grpc);
    await join(beta, hub.grpc);
    const run = await ended(hub, await startRun(hub.call, planJson(choices)));
    expect(stranger.heard.map(({ body }) => body)).toEqual(['welcome']);
    await expect(stranger.channel.download({ digest: run.modelDigest as never, bytes })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
