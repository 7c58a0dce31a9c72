import { Fault, type Clock } from '@consilium/stdx';
import type { z } from 'zod';
import { faultOf, readAnswer } from './answer.js';
import { followRun, type RunEvents } from './events.js';
import * as shapes from './shapes.js';

/** Where a coordinator answers, and what opens it. */
export interface Connection {
  /** Scheme, host and port; the API's prefix is added. */
  readonly url: string;
  /** A bearer token, or where to get one that is good now: a login's lasts ten minutes, a command may take hours. */
  readonly token: string | (() => Promise<string>);
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly body?: unknown;
}

/** A call that takes longer than this is `TIMEOUT`. Streams (events, weights) have their own bounds. */
const CALL_DEADLINE_MS = 15_000;

/**
 * The coordinator's HTTP API, typed. Every failure is a Fault: the coordinator's own code where it told one,
 * `UNAVAILABLE` where it cannot be reached, `TIMEOUT` after 15 s, `CANCELLED` when the signal says stop.
 */
export class Coordinator {
  constructor(
    private readonly connection: Connection,
    private readonly clock: Clock,
    private readonly signal?: AbortSignal,
  ) {}

  sites = async (): Promise<shapes.Site[]> => (await this.#ask('sites', shapes.sitesShape)).sites;

  /** A one-time token for one site; the coordinator shows it here and never again. */
  invite = (invitation: { site: string; jurisdiction: string; minutes?: number }): Promise<shapes.Invite> =>
    this.#ask('sites/invites', shapes.inviteShape, { method: 'POST', body: invitation });
  /** The sites that wait to be admitted. */
  enrolments = async (): Promise<shapes.Enrolment[]> =>
    (await this.#ask('sites/enrolments', shapes.enrolmentsShape)).enrolments;
  /** Admits a site with the next roster, a document that the root has signed. */
  admit = (site: string, roster: Uint8Array): Promise<shapes.Decided> =>
    this.#ask(`sites/enrolments/${encodeURIComponent(site)}/admit`, shapes.decidedShape, {
      method: 'POST',
      body: { roster: Buffer.from(roster).toString('base64') },
    });
  refuseSite = (site: string): Promise<shapes.Decided> =>
    this.#ask(`sites/enrolments/${encodeURIComponent(site)}/refuse`, shapes.decidedShape, { method: 'POST' });
  /** Shuts a site out at once. */
  revokeSite = (site: string): Promise<shapes.Decided> =>
    this.#ask(`sites/${encodeURIComponent(site)}/revoke`, shapes.decidedShape, { method: 'POST' });
  /** Puts a roster in force that changes people or leaves out revoked sites. */
  installRoster = async (roster: Uint8Array): Promise<void> => {
    const body = { roster: Buffer.from(roster).toString('base64') };
    await this.#ask('roster', shapes.rosterShape, { method: 'PUT', body });
  };
  /** The roster in force, as the document that the root has signed. */
  roster = async (): Promise<Uint8Array> =>
    new Uint8Array(Buffer.from((await this.#ask('roster', shapes.rosterShape)).document, 'base64'));

  studies = (): Promise<shapes.Study[]> => this.#ask('studies', shapes.studiesShape);
  study = (name: string): Promise<shapes.StudyDetail> =>
    this.#ask(`studies/${encodeURIComponent(name)}`, shapes.studyDetailShape);
  createStudy = (study: shapes.NewStudy): Promise<shapes.Study> =>
    this.#ask('studies', shapes.createdStudyShape, { method: 'POST', body: study });

  /** The draft as it is to be signed: with the study's governance and today's keys. Nothing is kept. */
  completePlan = (study: string, draft: unknown): Promise<shapes.CompletedPlan> =>
    this.#ask(`studies/${encodeURIComponent(study)}/plans/complete`, shapes.completedPlanShape, {
      method: 'POST',
      body: draft,
    });
  /** Proposes a completed plan, as an envelope that a proposer has signed. */
  proposePlan = (study: string, envelope: Uint8Array): Promise<shapes.PlanDetail> =>
    this.#ask(`studies/${encodeURIComponent(study)}/plans`, shapes.planDetailShape, {
      method: 'POST',
      body: { envelope: Buffer.from(envelope).toString('base64') },
    });
  /** The plan's envelope with one more signature. */
  signPlan = (digest: string, envelope: Uint8Array): Promise<shapes.PlanDetail> =>
    this.#ask(`plans/${digest}/signatures`, shapes.planDetailShape, {
      method: 'POST',
      body: { envelope: Buffer.from(envelope).toString('base64') },
    });
  plan = (digest: string): Promise<shapes.PlanDetail> => this.#ask(`plans/${digest}`, shapes.planDetailShape);

  runs = (filter: { state?: string; study?: string } = {}): Promise<shapes.RunListed[]> => {
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== undefined));
    return this.#ask(query.size ? `runs?${query}` : 'runs', shapes.runsShape);
  };
  run = (id: string): Promise<shapes.Run> => this.#ask(`runs/${encodeURIComponent(id)}`, shapes.runShape);
  startRun = (planDigest: string): Promise<shapes.Run> =>
    this.#ask('runs', shapes.runShape, { method: 'POST', body: { planDigest } });
  changeRun = (id: string, verb: 'pause' | 'resume' | 'cancel'): Promise<shapes.Run> =>
    this.#ask(`runs/${encodeURIComponent(id)}/${verb}`, shapes.runShape, { method: 'POST' });

  /** The run now and after each change until it has ended; reconnects by itself. */
  follow = (id: string, events: Partial<RunEvents> = {}): AsyncGenerator<shapes.Run> =>
    followRun(() => this.#send(`runs/${encodeURIComponent(id)}/events`, { accept: 'text/event-stream' }), {
      clock: this.clock,
      signal: this.signal,
      ...events,
    });

  models = (): Promise<shapes.ModelListed[]> => this.#ask('models', shapes.modelsShape);
  model = (digest: string): Promise<shapes.ModelDetail> => this.#ask(`models/${digest}`, shapes.modelDetailShape);

  /** The model's safetensors file as it comes; the caller checks its SHA-256. */
  async weights(digest: string): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send(`models/${digest}/weights`, { accept: 'application/octet-stream' });
    if (!response.ok) throw await faultOf(response);
    return response.body ?? emptyBody();
  }

  /** One call of the API, for what has no method here. */
  ask = <T>(path: string, shape: z.ZodType<T>, call: Call = {}): Promise<T> => this.#ask(path, shape, call);

  async #ask<T>(path: string, shape: z.ZodType<T>, call: Call = {}): Promise<T> {
    const deadline = new AbortController();
    const stopClock = this.clock.after(CALL_DEADLINE_MS, () => deadline.abort());
    try {
      const response = await this.#send(path, { accept: 'application/json', deadline: deadline.signal, ...call });
      return await readAnswer(response, shape);
    } catch (error) {
      if (deadline.signal.aborted) throw new Fault('TIMEOUT', { afterMs: CALL_DEADLINE_MS }, error);
      throw this.#named(error);
    } finally {
      stopClock();
    }
  }

  async #send(
    path: string,
    { accept, deadline, method = 'GET', body }: Call & { accept: string; deadline?: AbortSignal },
  ): Promise<Response> {
    const signals = [this.signal, deadline].filter((signal) => signal !== undefined);
    const { url, token } = this.connection;
    try {
      const bearer = typeof token === 'string' ? token : await token();
      return await fetch(new URL(`/api/v1/${path}`, url), {
        method,
        headers: {
          accept,
          authorization: `Bearer ${bearer}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        // A redirect could carry the token to another place.
        redirect: 'error',
        signal: signals.length ? AbortSignal.any(signals) : undefined,
      });
    } catch (error) {
      throw this.#named(error);
    }
  }

  /** What fetch throws (a TypeError without a code for us, or an abort) as a Fault. */
  #named(error: unknown): Fault {
    if (error instanceof Fault) return error;
    return this.signal?.aborted ? new Fault('CANCELLED', {}, error) : new Fault('UNAVAILABLE', {}, error);
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
