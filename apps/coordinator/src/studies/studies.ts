import { signEnvelope, type SigningKey } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import {
  completePlan,
  parsePlan,
  planCanonicalJson,
  planDigest,
  requireInForce,
  requireSignedTerms,
} from '@consilium/round';
import type { Governance, Plan, SignedPlan } from '@consilium/round';
import { canonicalJson, digestOf, Fault, fromUtf8, type Clock, type Digest, type StudyName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import type { Ledger } from '../ledger/ledger.js';
import type { StudyStore } from '../ports.js';
import type { PlanRecord, StudyRecord, StudyTerms } from '../records.js';
import type { Rosters } from '../sites/rosters.js';
import type { Clearance } from './clearance.js';

export interface StudyRules {
  readonly federation: string;
  readonly modelBytesMax: number;
}

export interface NewStudy extends StudyTerms {
  readonly name: StudyName;
  readonly title: string;
  readonly purpose: string;
}

/** Studies, and the plans proposed under them. Nothing here is ever changed but for the signatures that a plan gathers. */
export class Studies {
  constructor(
    private readonly parts: {
      readonly store: StudyStore;
      readonly ledger: Ledger;
      /** Signs study documents. */
      readonly signing: SigningKey;
      readonly rosters: Rosters;
      readonly clearance: Clearance;
      readonly clock: Clock;
      readonly rules: StudyRules;
    },
  ) {}

  /** Registers a study and signs it. The same study twice is one; ALREADY_EXISTS when the name says something else. */
  async create({ name, title, purpose, ...given }: NewStudy): Promise<StudyRecord> {
    const { store, ledger, signing, clock } = this.parts;
    const terms = { ...given, jurisdictions: [...given.jurisdictions].sort(), sites: [...given.sites].sort() };
    const createdMs = clock.now();
    const study = { schema: 'consilium.study/1', name, title, purpose, ...terms, createdMs } as const;
    const document = await ledger.document(signEnvelope('study', study, [signing]));
    const record = { name, title, purpose, terms, document, createdMs };
    const stored = await store.create(record, ledger.seal([{ type: 'study.registered', study: document }]));
    ledger.stored();
    return stored;
  }

  list = (): Promise<readonly StudyRecord[]> => this.parts.store.list();

  async find(name: StudyName): Promise<StudyRecord> {
    const study = await this.parts.store.find(name);
    if (!study) throw new Fault('NOT_FOUND', { study: name });
    return study;
  }

  plans = (study: StudyName): Promise<readonly PlanRecord[]> => this.parts.store.plans(study);

  async plan(digest: Digest): Promise<PlanRecord> {
    const plan = await this.parts.store.findPlan(digest);
    if (!plan) throw new Fault('NOT_FOUND', { planDigest: digest });
    return plan;
  }

  /**
   * The draft as it would be signed: with the study's governance and today's keys. Nothing is kept. Faults: PLAN_INVALID
   * (also for another study or federation, or a site that is not the study's), PLAN_NOT_SUPPORTED, GRAPH_INVALID,
   * PLAN_INCOMPLETE for a study without terms, SITE_NOT_ENROLLED, and those of `requireInForce`.
   */
  async complete(name: StudyName, draft: unknown): Promise<SignedPlan> {
    const { terms } = await this.find(name);
    if (!terms) throw new Fault('PLAN_INCOMPLETE', { missing: 'governance', study: name });
    const plan = completePlan(draft, { governance: governanceOf(terms), roster: this.parts.rosters.keys });
    await this.#requireProper(plan, name);
    return plan;
  }

  /**
   * Keeps a plan that a proposer of the roster has signed; proposed again, it only gathers signatures. Faults: those of
   * {@link complete}; ENVELOPE_INVALID, SIGNATURE_INVALID; PLAN_NOT_SIGNED when no signer is a proposer.
   */
  async propose(name: StudyName, envelope: Uint8Array): Promise<PlanRecord> {
    const { store, ledger, clearance, clock } = this.parts;
    const { payloadBytes, signers } = clearance.openPlan(envelope);
    const plan = readCompleted(payloadBytes);
    await this.#requireProper(plan, name);
    const digest = planDigest(plan);
    if (await store.findPlan(digest)) return this.sign(digest, envelope);
    const proposer = signers.find(({ roles }) => roles.includes('proposer'));
    if (!proposer) throw new Fault('PLAN_NOT_SIGNED', { proposers: 0 });
    const event = {
      type: 'plan.proposed',
      plan: digest,
      envelope: await ledger.document(envelope),
      by: proposer.person,
    } as const;
    const record = {
      digest,
      study: name,
      document: fromUtf8(payloadBytes),
      envelope: fromUtf8(envelope),
      createdMs: clock.now(),
    };
    const stored = await store.createPlan(record, ledger.seal([event]));
    ledger.stored();
    // Another proposal of it came in between: then this one adds its signatures to that.
    return stored.envelope === record.envelope ? stored : this.sign(digest, envelope);
  }

  /**
   * Keeps an envelope with more signatures of the roster's people than there were. Faults: NOT_FOUND; PLAN_DIGEST_MISMATCH
   * for an envelope of another plan; ALREADY_EXISTS when one of the signatures that are here is missing in it, since
   * somebody has signed in the meantime: fetch the envelope again and sign that.
   */
  async sign(digest: Digest, envelope: Uint8Array): Promise<PlanRecord> {
    const { store, ledger, clearance } = this.parts;
    const record = await this.plan(digest);
    const { payloadBytes, signers } = clearance.openPlan(envelope);
    if (digestOf(payloadBytes) !== digest) throw new Fault('PLAN_DIGEST_MISMATCH', { planDigest: digest });
    const text = fromUtf8(envelope);
    if (record.envelope === text) return record;
    const before = new Set(clearance.signersOf(record).map(({ person }) => person));
    const added = signers.filter(({ person }) => !before.has(person));
    if (signers.length - added.length < before.size) throw new Fault('ALREADY_EXISTS', { planDigest: digest });
    const document = await ledger.document(envelope);
    const events = added.map(
      ({ person }) => ({ type: 'plan.proposed', plan: digest, envelope: document, by: person }) as const,
    );
    const next = { ...record, envelope: text };
    if (!(await store.signPlan(next, record.envelope, ledger.seal(events)))) {
      throw new Fault('ALREADY_EXISTS', { planDigest: digest });
    }
    ledger.stored();
    return next;
  }

  /** Whether a completed plan is one of this study, here and now. */
  async #requireProper(plan: SignedPlan, name: StudyName): Promise<void> {
    const { rules, rosters, clock } = this.parts;
    const { terms } = await this.find(name);
    if (!terms) throw new Fault('PLAN_INCOMPLETE', { missing: 'governance', study: name });
    if (plan.study !== name) throw new Fault('PLAN_INVALID', { path: 'study', expected: name, came: plan.study });
    if (plan.federation !== rules.federation) {
      throw new Fault('PLAN_INVALID', { path: 'federation', expected: rules.federation, came: plan.federation });
    }
    if (canonicalJson(plan.governance) !== canonicalJson(governanceOf(terms))) {
      throw new Fault('PLAN_INVALID', { path: 'governance', expected: 'that of the study' });
    }
    const stranger = plan.sites.findIndex((site) => !terms.sites.includes(site));
    if (stranger >= 0) throw new Fault('PLAN_INVALID', { path: `sites.${stranger}`, expected: 'a site of the study' });
    requireSize(plan, rules.modelBytesMax);
    requireInForce(plan, rosters.keys, clock.now());
  }
}

function requireSize(plan: Plan, modelBytesMax: number): void {
  const modelBytes = safetensorsByteLength(manifestOf(plan.model));
  if (modelBytes > modelBytesMax) throw new Fault('PLAN_NOT_SUPPORTED', { path: 'model', modelBytes, modelBytesMax });
}

/** A plan is signed as the canonical JSON of its completed form: any other text of it would be another document. */
function readCompleted(payload: Uint8Array): SignedPlan {
  const text = fromUtf8(payload);
  const plan = requireSignedTerms(parsePlan(JSON.parse(text)));
  if (planCanonicalJson(plan) !== text) {
    throw new Fault('PLAN_INVALID', { path: '(top)', expected: 'the completed plan, its defaults written out' });
  }
  return plan;
}

const governanceOf = ({ sites: _, ...governance }: StudyTerms): Governance => governance;
