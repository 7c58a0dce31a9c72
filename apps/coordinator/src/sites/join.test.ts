import { encodeBase64, joinTokenDigest, newRequest, parseJoinToken, signEnvelope } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import type { SiteName } from '@consilium/stdx';
import { enrolmentChannel, helloOf, siteChannel, type TlsFiles } from '@consilium/wire';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enrol } from '../fixtures/enrol.fixture.js';
import { Federation } from '../fixtures/federation.fixture.js';
import { openTestHub, startRun, type TestHub } from '../fixtures/hub.fixture.js';
import { keyOf, publicKeyOf, siteKey } from '../fixtures/keys.fixture.js';
import { alpha, beta, gamma, planJson, planOf } from '../fixtures/plan.fixture.js';
import { FakeSite, until, type SiteHabits } from '../fixtures/site.fixture.js';
import type { RunView } from '../runs/shapes.js';

const delta = 'delta' as SiteName;
const REVOKED_WITHIN_MS = 5000;

let federation: Federation;
let hub: TestHub;
const undo: (() => unknown)[] = [];
beforeEach(async () => {
  federation = await Federation.found();
  hub = await openTestHub(federation);
  undo.push(hub.close);
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function guest(rootDigest = federation.identity.rootDigest) {
  const channel = enrolmentChannel({ address: hub.grpc, rootDigest });
  undo.push(() => channel.close());
  return channel;
}
function connect(tls: TlsFiles) {
  const channel = siteChannel({ ...tls, address: hub.grpc, federation: 'demo' });
  undo.push(() => channel.close());
  return channel;
}
const isConnected = async (name: SiteName): Promise<boolean> => {
  const { sites } = await hub.call<{ sites: { name: string; connected: boolean }[] }>('/api/v1/sites');
  return sites.some((site) => site.name === name && site.connected);
};

describe('over one port', () => {
  it('a site is invited, joins without a certificate, is admitted, and opens a session with its own', async () => {
    const channel = connect(await enrol(hub, federation, delta));
    const { messages } = channel.openSession(helloOf('agent of delta'));
    const { value } = await messages[Symbol.asyncIterator]().next();
    expect(value).toMatchObject({ welcome: { site: delta } });
    expect(await isConnected(delta)).toBe(true);
    const { sites } = await hub.call<{ sites: object[] }>('/api/v1/sites');
    expect(sites).toContainEqual(
      expect.objectContaining({
        name: delta,
        standing: 'enrolled',
        jurisdiction: 'DE',
        certificateEndsMs: expect.any(Number) as number,
      }),
    );
  });

  it('one of fifty who use the same token at the same time gets in', async () => {
    const { token } = await hub.call<{ token: string }>('/api/v1/sites/invites', { site: delta, jurisdiction: 'DE' });
    const { secret } = parseJoinToken(token);
    const requests = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const key = keyOf(`claimant ${i}`);
        const document = {
          ...{ schema: 'consilium.join/1' as const, federation: 'demo', site: delta, atMs: Date.now() },
          ...{ token: joinTokenDigest(secret), csr: encodeBase64((await newRequest()).csr), signing: publicKeyOf(key) },
        };
        return { token: secret, envelope: Buffer.from(signEnvelope('join', document, [key])) };
      }),
    );
    const channels = [guest(), guest()];
    const settled = await Promise.allSettled(requests.map((request, i) => channels[i % 2]!.join(request)));
    const codes = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
    expect(codes).toEqual(Array(49).fill('JOIN_TOKEN_INVALID'));
    const { enrolments } = await hub.call<{ enrolments: { signing: string }[] }>('/api/v1/sites/enrolments');
    const won = settled.findIndex(({ status }) => status === 'fulfilled');
    expect(enrolments.map(({ signing }) => signing)).toEqual([publicKeyOf(keyOf(`claimant ${won}`))]);
  });

  it('a site whose certificate is gone gets another one by its signing key', async () => {
    await enrol(hub, federation, delta);
    const { csr, privateKeyPem } = await newRequest();
    const renewal = {
      ...{ schema: 'consilium.renew/1' as const, federation: 'demo', site: delta, atMs: Date.now() },
      ...{ csr: encodeBase64(csr), nonce: randomBytes(16).toString('hex') },
    };
    const channel = guest();
    const { certificate } = await channel.renew(signEnvelope('renew', renewal, [siteKey(delta)]));
    const tls = { ca: await channel.root(), certificate, privateKey: privateKeyPem };
    expect(await connect(tls).greet()).toMatchObject({ site: delta });
  });

  it('a certificate of the right intermediate that nobody issued here opens nothing', async () => {
    const forged = await federation.forge(alpha);
    await expect(connect(forged).greet()).rejects.toMatchObject({ code: 'PEER_CERTIFICATE_FOREIGN' });
    // The very same, once it stands in the books.
    expect(await connect(await federation.site(alpha)).greet()).toMatchObject({ site: alpha });
  });
});

describe('a revoked site', () => {
  const manifest = manifestOf(planOf().plan.model);
  async function join(name: SiteName, habits: Partial<SiteHabits> = {}): Promise<FakeSite> {
    const site = new FakeSite(name, hub.grpc, await federation.site(name), { manifest, ...habits });
    undo.push(() => site.close());
    void site.serve();
    return site;
  }

  it('hears it within five seconds, cannot come back, and is missed by no run', async () => {
    await join(alpha);
    await join(beta);
    // It approves, and then holds the first round up.
    const lazy = await join(gamma, { send: () => new Promise(() => {}) });
    const sites = [alpha, beta, gamma];
    const id = await startRun(hub.call, planJson({ sites, rounds: { count: 2, minSites: 2, deadlineSeconds: 600 } }));
    const show = () => hub.call<RunView>(`/api/v1/runs/${id}`);
    await until(async () => (await show()).sites.filter(({ bytesUp }) => bytesUp > 0).length === 2);

    const before = Date.now();
    await hub.call('/api/v1/sites/gamma/revoke', {});
    await until(() => lazy.faults.find(({ code }) => code === 'SITE_REVOKED'));
    expect(Date.now() - before).toBeLessThan(REVOKED_WITHIN_MS);
    expect(await isConnected(gamma)).toBe(false);

    const run = await until(async () => {
      const seen = await show();
      return seen.endedMs !== null && seen;
    });
    expect(run.state).toBe('finished');
    for (const { contributors } of run.history) expect(contributors).toEqual([alpha, beta]);
    expect(await isConnected(gamma)).toBe(false);
    await expect(connect(await federation.site(gamma)).greet()).rejects.toMatchObject({ code: 'SITE_REVOKED' });
  });
});
