import { createHash } from 'node:crypto';
import { coordinatorCosigner, cosign, parseCheckpointNote } from '@consilium/ledger';
import type { SignedPlan } from '@consilium/round';
import { Fault, fromUtf8, utf8, type SiteName } from '@consilium/stdx';
import { encodeSafetensors, type Weights } from '@consilium/weights';
import {
  HubServer,
  welcomeOf,
  type CoordinatorMessageInit,
  type Hello,
  type HubHandlers,
  type HubSession,
  type LogCheckpoint,
  type SiteMessage,
  type TlsFiles,
  type UpdateHeader,
} from '@consilium/wire';
import { HubLog } from './hub-log.fixture.js';
import { COORDINATOR, FEDERATION } from './keys.fixture.js';
import type { Evidence, RoundOffer } from './offers.js';
import { evaluationOffer, planOffer, RUN, roundOffer } from './plan.fixture.js';

type Model = { modelDigest: string; modelBytes: number };

/** A coordinator small enough to see through: it says what the test tells it to, and keeps all it hears. */
export class TestHub implements HubHandlers {
  /** What sites said, but for what they said of logs. */
  readonly heard: SiteMessage[] = [];
  readonly heardOfLogs: SiteMessage[] = [];
  readonly hellos: Hello[] = [];
  readonly updates: { header: UpdateHeader; bytes: Buffer }[] = [];
  readonly models = new Map<string, Uint8Array>();
  /** Says it once per session, right after the Welcome: what this site still owes. */
  owed: CoordinatorMessageInit[] = [];
  sessions = 0;
  /** Thrown instead of taking the next upload. */
  refuse: Fault | undefined;
  /** The name that the Welcome gives the site, where a test wants another than the certificate's. */
  calls: string | undefined;
  /** The largest checkpoint of the site's log that it holds. */
  siteCheckpoint = '';
  /** How much of the log it takes the site to have cosigned. */
  witnessed = 0;
  #session: HubSession | undefined;
  #server: HubServer | undefined;
  #changed: (() => void)[] = [];

  constructor(readonly log = new HubLog()) {}

  async listen(credentials: TlsFiles, port = 0): Promise<number> {
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

  say(...messages: CoordinatorMessageInit[]): void {
    for (const message of messages) if (!this.#session?.send(message)) throw new Error('no session to say it in');
  }

  greet = (peer: SiteName, hello: Hello) => {
    this.hellos.push(hello);
    const welcome = welcomeOf({ site: this.calls ?? peer, software: 'test-hub/1', nowMs: Date.now() });
    return { ...welcome, siteCheckpoint: Buffer.from(this.siteCheckpoint) };
  };

  async session(_peer: SiteName, session: HubSession): Promise<void> {
    this.sessions += 1;
    this.#session = session;
    for (const message of this.owed) session.send(message);
    this.#notify();
    for await (const message of session.messages) {
      const ofLogs = message.siteCheckpoint ?? message.witnessAnswer;
      (ofLogs ? this.heardOfLogs : this.heard).push(message);
      if (message.siteCheckpoint) this.#witness(message.siteCheckpoint);
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
      const found = [...this.heard, ...this.heardOfLogs].filter((message) => message[kind]);
      return found.length >= count && (found.at(-1)![kind] as NonNullable<SiteMessage[Kind]>);
    }, `${count} × ${kind}`);

  publish(weights: Weights): Model {
    const bytes = encodeSafetensors(weights);
    const modelDigest = createHash('sha256').update(bytes).digest('hex');
    this.models.set(modelDigest, bytes);
    return { modelDigest, modelBytes: bytes.byteLength };
  }

  /** What an honest coordinator says to ask for a round: its log to be witnessed, then the offer that stands in it. */
  round(
    plan: SignedPlan,
    model: Model,
    changes: Partial<Pick<RoundOffer, 'round' | 'attempt' | 'evaluate' | 'deadlineMs'>> & { run?: string } = {},
  ): CoordinatorMessageInit[] {
    const offer = roundOffer(plan, { ...model, ...changes } as Partial<RoundOffer>, this.log);
    const { run, round, attempt, planDigest, modelDigest, modelBytes, evaluate, deadlineMs, evidence } = offer;
    const terms = { planDigest, modelDigest, modelBytes, evaluate, deadlineMs, evidence: this.#wired(evidence) };
    return [this.#request(), { roundOffer: { round: { run, round, attempt }, ...terms } }];
  }

  evaluation(plan: SignedPlan, model: Model): CoordinatorMessageInit[] {
    const { run, planDigest, evidence } = evaluationOffer(plan, this.log);
    return [this.#request(), { evaluationOffer: { run, planDigest, ...model, evidence: this.#wired(evidence) } }];
  }

  #request(): CoordinatorMessageInit {
    const { note, oldSize, consistency } = this.log.request(this.witnessed);
    this.witnessed = this.log.size;
    return {
      witnessRequest: { note: Buffer.from(note), oldSize, consistency: consistency.map((hash) => Buffer.from(hash)) },
    };
  }

  #wired({ entry, index, note, inclusion }: Evidence) {
    const hashes = inclusion.map((hash) => Buffer.from(hash));
    return { entry: Buffer.from(entry), index, checkpoint: Buffer.from(note), inclusion: hashes };
  }

  #witness({ note }: LogCheckpoint): void {
    this.siteCheckpoint = fromUtf8(note);
    const { checkpoint, text } = parseCheckpointNote(this.siteCheckpoint);
    const line = cosign(text, COORDINATOR, coordinatorCosigner(FEDERATION), Math.floor(Date.now() / 1000));
    const { size } = checkpoint;
    this.#session?.send({ witnessAnswer: { size, cosignature: Buffer.from(utf8(line)), knownSize: size, code: '' } });
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

export function offerPlan(plan: SignedPlan, run: string = RUN): CoordinatorMessageInit {
  const { planDigest, planJson, planEnvelope, roster } = planOffer(plan, run as typeof RUN);
  return {
    planOffer: {
      run,
      planDigest,
      planJson: Buffer.from(planJson),
      planEnvelope: Buffer.from(planEnvelope),
      roster: Buffer.from(roster),
    },
  };
}
