import { manifestOf } from '@consilium/model';
import { parsePlan, planCanonicalJson, planDigest } from '@consilium/round';
import { Fault, type Clock, type Digest, type StudyName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import type { StudyStore } from '../ports.js';
import type { PlanRecord, StudyRecord } from '../records.js';

export interface StudyRules {
  readonly federation: string;
  readonly modelBytesMax: number;
}

/** Studies, and the plans proposed under them. Nothing here is ever changed: a plan is what its digest says. */
export class Studies {
  constructor(
    private readonly store: StudyStore,
    private readonly clock: Clock,
    private readonly rules: StudyRules,
  ) {}

  /** Idempotent; ALREADY_EXISTS when the name says something else already. */
  create(study: Pick<StudyRecord, 'name' | 'title' | 'purpose'>): Promise<StudyRecord> {
    return this.store.create({ ...study, createdMs: this.clock.now() });
  }

  list = (): Promise<readonly StudyRecord[]> => this.store.list();

  async find(name: StudyName): Promise<StudyRecord> {
    const study = await this.store.find(name);
    if (!study) throw new Fault('NOT_FOUND', { study: name });
    return study;
  }

  plans = (study: StudyName): Promise<readonly PlanRecord[]> => this.store.plans(study);

  async plan(digest: Digest): Promise<PlanRecord> {
    const plan = await this.store.findPlan(digest);
    if (!plan) throw new Fault('NOT_FOUND', { planDigest: digest });
    return plan;
  }

  /**
   * Checks a plan and keeps it; the same plan twice is one. Faults: PLAN_INVALID, PLAN_NOT_SUPPORTED, GRAPH_INVALID;
   * PLAN_INVALID too for the plan of another study or federation.
   */
  async propose(study: StudyName, value: unknown): Promise<PlanRecord> {
    await this.find(study);
    const plan = parsePlan(value);
    if (plan.study !== study) throw new Fault('PLAN_INVALID', { path: 'study', expected: study, came: plan.study });
    if (plan.federation !== this.rules.federation) {
      throw new Fault('PLAN_INVALID', { path: 'federation', expected: this.rules.federation, came: plan.federation });
    }
    const modelBytes = safetensorsByteLength(manifestOf(plan.model));
    if (modelBytes > this.rules.modelBytesMax) {
      throw new Fault('PLAN_NOT_SUPPORTED', { path: 'model', modelBytes, modelBytesMax: this.rules.modelBytesMax });
    }
    const document = planCanonicalJson(plan);
    return this.store.createPlan({ digest: planDigest(plan), study, document, createdMs: this.clock.now() });
  }
}
