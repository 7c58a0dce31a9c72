import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@consilium/identity';
import { planCanonicalJson, planDigest, type Plan } from '@consilium/round';
import { Fault, utf8, type SiteName } from '@consilium/stdx';
import { encodeSafetensors, type Weights } from '@consilium/weights';
import {
  HubServer,
  welcomeOf,
  type CoordinatorMessageInit,
  type HubHandlers,
  type HubSession,
  type SiteMessage,
  type UpdateHeader,
} from '@consilium/wire';
import { RUN, SITE } from './plan.fixture.js';

export const FEDERATION = 'testfed';

export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** A federation's authority, its coordinator's certificate, and one for each site asked for. */
export async function certificatesOf(federation: string, sites: readonly SiteName[] = [SITE]) {
  const now = Date.now();
  const authority = await createAuthority({ federation, now, days: 2 });
  const ca = authority.certificatePem;
  const credentials = ({
    certificatePem,
    privateKeyPem,
  }: {
    certificatePem: string;
    privateKeyPem: string;
  }): Credentials => ({
    ca,
    certificate: certificatePem,
    privateKey: privateKeyPem,
  });
  const issue = async (subject: { kind: 'coordinator' } | { kind: 'site'; name: SiteName }): Promise<Credentials> =>
    credentials(await issueCertificate({ authority, subject, hosts: ['127.0.0.1', 'localhost'], now, days: 1 }));
  return {
    coordinator: await issue({ kind: 'coordinator' }),
    sites: new Map(await Promise.all(sites.map(async (name) => [name, await issue({ kind: 'site', name })] as const))),
  };
}

/** The certificate files and the settings that name them. */
export async function writeSite(
  folder: string,
  { ca, certificate, privateKey }: Credentials,
  settings: object,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ca.pem'), ca);
  await writeFile(join(folder, 'site.pem'), certificate);
  await writeFile(join(folder, 'site.key'), privateKey, { mode: 0o600 });
  const path = join(folder, 'agent.yaml');
  const tls = { ca: 'ca.pem', certificate: 'site.pem', privateKey: 'site.key' };
  await writeFile(path, JSON.stringify({ site: SITE, federation: FEDERATION, state: 'state', tls, ...settings }));
  return path;
}

/** A coordinator small enough to see through: it says what the test tells it to, and keeps all it hears. */
export class TestHub implements HubHandlers {
  readonly heard: SiteMessage[] = [];
  readonly updates: { header: UpdateHeader; bytes: Buffer }[] = [];
  readonly models = new Map<string, Uint8Array>();
  /** Says it once per session, right after the Welcome: what this site still owes. */
  owed: CoordinatorMessageInit[] = [];
  sessions = 0;
  /** Thrown instead of taking the next upload. */
  refuse: Fault | undefined;
  /** The name that the Welcome gives the site, where a test wants another than the certificate's. */
  calls: string | undefined;
  #session: HubSession | undefined;
  #server: HubServer | undefined;
  #changed: (() => void)[] = [];

  async listen(credentials: Credentials, port = 0): Promise<number> {
    this.#server = new HubServer({ ...credentials, federation: FEDERATION, handlers: this });
    return this.#server.listen('127.0.0.1', port);
  }

  async close(): Promise<void> {
    await this.#server?.shutdown(100);
  }

  /** Ends the session as a broken line would, from the site's view. */
  drop(fault?: Fault): void {
    this.#session?.close(fault);
  }

  say(message: CoordinatorMessageInit): void {
    if (!this.#session?.send(message)) throw new Error('no session to say it in');
  }

  greet = (peer: SiteName) => welcomeOf({ site: this.calls ?? peer, software: 'test-hub/1', nowMs: Date.now() });

  async session(_peer: SiteName, session: HubSession): Promise<void> {
    this.sessions += 1;
    this.#session = session;
    for (const message of this.owed) session.send(message);
    this.#notify();
    for await (const message of session.messages) {
      this.heard.push(message);
      this.#notify();
    }
  }

  query = () => ({ received: 0, committed: false });

  async upload(_peer: SiteName, header: UpdateHeader, chunks: AsyncIterable<Uint8Array>) {
    const refusal = this.refuse;
    this.refuse = undefined;
    if (refusal) throw refusal;
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const bytes = Buffer.concat(parts);
    this.updates.push({ header, bytes });
    this.#notify();
    return { sha256: createHash('sha256').update(bytes).digest('hex'), duplicate: false };
  }

  async *download(_peer: SiteName, request: { digest: string; offset: number }) {
    const model = this.models.get(request.digest);
    if (!model) throw new Fault('NOT_FOUND');
    yield model.subarray(request.offset);
  }

  /** Waits until something is so. */
  async until<T>(look: () => T | undefined | false, what: string, timeoutMs = 60_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.#changed.push(() => (clearTimeout(timer), resolve()));
      });
    }
  }

  hearing = <Kind extends keyof SiteMessage>(kind: Kind, count = 1) =>
    this.until(() => {
      const found = this.heard.filter((message) => message[kind]);
      return found.length >= count && (found.at(-1)![kind] as NonNullable<SiteMessage[Kind]>);
    }, `${count} × ${kind}`);

  publish(weights: Weights): { modelDigest: string; modelBytes: number } {
    const bytes = encodeSafetensors(weights);
    const modelDigest = createHash('sha256').update(bytes).digest('hex');
    this.models.set(modelDigest, bytes);
    return { modelDigest, modelBytes: bytes.byteLength };
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

export const offerPlan = (plan: Plan, run: string = RUN): CoordinatorMessageInit => ({
  planOffer: { run, planDigest: planDigest(plan), planJson: utf8(planCanonicalJson(plan)) },
});

export const offerRound = (
  plan: Plan,
  model: { modelDigest: string; modelBytes: number },
  { run = RUN as string, round = 1, attempt = 1, evaluate = true, deadlineMs = 60_000 } = {},
): CoordinatorMessageInit => ({
  roundOffer: { round: { run, round, attempt }, planDigest: planDigest(plan), ...model, evaluate, deadlineMs },
});
