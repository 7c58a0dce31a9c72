import { type Digest, type RunId, type SiteName, type StudyName } from '@consilium/stdx';
import { z } from 'zod';
import type { Registry, RunStore, StudyStore } from '../ports.js';
import type { PlanRecord } from '../records.js';
import type { Caller } from './caller.js';

/** What a route may be about. */
export type ObjectKind = 'study' | 'site' | 'run' | 'plan' | 'model';

/** To whom an object belongs: its study, and the sites that take part in it. */
export interface ObjectScope {
  readonly study?: StudyName;
  readonly sites: readonly SiteName[];
}

/** Where a kind of object is named in a route, unless its rule says otherwise. */
export const NAMED_AT: Record<ObjectKind, string> = {
  study: 'name',
  site: 'name',
  run: 'id',
  plan: 'digest',
  model: 'digest',
};

/** Names, digests and minted ids alike; what else comes never reaches the database. */
const ID_PATTERN = /^[0-9a-z-]{1,64}$/;

/** Plans are immutable and few, so what they say about themselves is kept. Beyond this the oldest is forgotten. */
const PLANS_KEPT_MAX = 1_000;

/** The one place that knows whose an object is. */
export class Objects {
  readonly #plans = new Map<Digest, ObjectScope>();

  constructor(private readonly stores: { studies: StudyStore; runs: RunStore; registry: Registry }) {}

  /** Undefined where there is no such object, whatever the text looks like: it comes from a request nobody has checked. */
  async find(kind: ObjectKind, id: string): Promise<ObjectScope | undefined> {
    if (!ID_PATTERN.test(id)) return undefined;
    const { runs, registry } = this.stores;
    switch (kind) {
      case 'site':
        return { sites: [id as SiteName] };
      case 'study':
        return this.#study(id as StudyName);
      case 'plan':
        return this.#plan(id as Digest);
      case 'run': {
        const run = await runs.find(id as RunId);
        return run && this.#plan(run.planDigest);
      }
      case 'model': {
        const version = await registry.find(id as Digest);
        return version && this.#plan(version.planDigest);
      }
    }
  }

  /** Those of a list that the caller may see. */
  async narrow<T>(caller: Caller, items: readonly T[], kind: ObjectKind, idOf: (item: T) => string): Promise<T[]> {
    const seen: T[] = [];
    for (const item of items) if (caller.sees((await this.find(kind, idOf(item))) ?? NOBODYS)) seen.push(item);
    return seen;
  }

  async #study(name: StudyName): Promise<ObjectScope | undefined> {
    const { studies } = this.stores;
    const study = await studies.find(name);
    if (!study) return undefined;
    // A study of an old release has no terms; its plans tell who takes part.
    const asked = (await studies.plans(name)).flatMap((plan) => this.#scopeOf(plan).sites);
    return { study: name, sites: [...new Set([...(study.terms?.sites ?? []), ...asked])] };
  }

  async #plan(digest: Digest): Promise<ObjectScope | undefined> {
    const known = this.#plans.get(digest);
    if (known) return known;
    const plan = await this.stores.studies.findPlan(digest);
    return plan && this.#scopeOf(plan);
  }

  #scopeOf(plan: PlanRecord): ObjectScope {
    const scope = { study: plan.study, sites: sitesOf(plan) };
    if (this.#plans.size >= PLANS_KEPT_MAX) this.#plans.delete(this.#plans.keys().next().value!);
    this.#plans.set(plan.digest, scope);
    return scope;
  }
}

const NOBODYS: ObjectScope = { sites: [] };

/** A plan that was stored has its sites; only they are read, so that an old release's plan still tells whose it is. */
const sitesOf = (plan: PlanRecord): readonly SiteName[] =>
  z.object({ sites: z.array(z.string()) }).parse(JSON.parse(plan.document)).sites as SiteName[];
