import { decodePublicKey, encodePublicKey, newSigningKey, openEnvelope } from '@consilium/identity';
import { completePlan, parsePlan, planCanonicalJson, planDigest, type Plan } from '@consilium/round';
import { digest, Fault, fromUtf8, type Code } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { PlanDetail } from '../api/shapes.js';
import { templateValue } from '../study/templates.js';
import { planFor } from './planning.js';
import { signedPlan } from './signed-plan.js';

const keys = { proposer: newSigningKey(), admin: newSigningKey() };
const draft = planFor(await templateValue('lung-nodule'), { sites: 2, seed: 1 });
const site = (name: string) => ({ name, signing: encodePublicKey(newSigningKey().publicKey), jurisdiction: 'DE' });
const roster = {
  version: 3,
  digest: digest('a'.repeat(64)),
  coordinator: { signing: encodePublicKey(newSigningKey().publicKey) },
  sites: [site('hospital-a'), site('hospital-b')],
};
const completedPlan = completePlan(draft, { governance: draft.governance!, roster });

/** A coordinator that completes and keeps plans as the real one does. */
function hub({ change = (plan: Plan): unknown => plan, refusal = null as Code | null } = {}) {
  const calls: string[] = [];
  const kept = new Map<string, Uint8Array>();
  const detail = (of: string): PlanDetail => {
    const envelope = kept.get(of)!;
    const any = [keys.proposer.publicKey, keys.admin.publicKey];
    const { payloadBytes, signers } = openEnvelope(envelope, 'plan', { any });
    const plan = JSON.parse(fromUtf8(payloadBytes)) as { study: string };
    return {
      ...{ digest: of, study: plan.study, createdMs: 1, plan, signers: [] },
      envelope: Buffer.from(envelope).toString('base64'),
      refusal: signers.length < 2 ? 'PLAN_NOT_SIGNED' : refusal,
    };
  };
  const keep = (envelope: Uint8Array): PlanDetail => {
    kept.set(planDigest(completedPlan), envelope);
    return detail(planDigest(completedPlan));
  };
  return {
    calls,
    kept,
    completePlan: async () => {
      calls.push('complete');
      return { digest: '', plan: JSON.parse(JSON.stringify(change(completedPlan))) as unknown };
    },
    plan: async (of: string) => {
      if (!kept.has(of)) throw new Fault('NOT_FOUND');
      return detail(of);
    },
    proposePlan: async (_study: string, envelope: Uint8Array) => {
      calls.push('propose');
      return keep(envelope);
    },
    signPlan: async (_digest: string, envelope: Uint8Array) => {
      calls.push('sign');
      return keep(envelope);
    },
  };
}

describe('the plan of a demonstration, signed', () => {
  it('is the completed plan, with the signatures of the proposer and the admin', async () => {
    const made = hub();
    const answer = await signedPlan(made, draft, keys);
    expect(answer).toBe(planDigest(completedPlan));
    const { payloadBytes, signers } = openEnvelope(made.kept.get(answer)!, 'plan', {
      all: [keys.proposer.publicKey, keys.admin.publicKey],
    });
    expect(fromUtf8(payloadBytes)).toBe(planCanonicalJson(completedPlan));
    expect(signers).toHaveLength(2);
    expect(made.calls).toEqual(['complete', 'propose', 'sign']);
  });

  it('is not signed twice: a second start finds it as it was', async () => {
    const made = hub();
    await signedPlan(made, draft, keys);
    made.calls.length = 0;
    expect(await signedPlan(made, draft, keys)).toBe(planDigest(completedPlan));
    expect(made.calls).toEqual(['complete']);
  });

  it('gets the admin’s signature where a start was killed before it', async () => {
    const made = hub();
    const signPlan = made.signPlan;
    made.signPlan = () => Promise.reject(new Fault('UNAVAILABLE'));
    await expect(signedPlan(made, draft, keys)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    made.signPlan = signPlan;
    made.calls.length = 0;
    await signedPlan(made, draft, keys);
    expect(made.calls).toEqual(['complete', 'sign']);
  });

  it.each([
    ['another seed', (plan: Plan) => ({ ...plan, seed: 2 })],
    ['more rounds', (plan: Plan) => ({ ...plan, rounds: { ...plan.rounds, count: 999 } })],
    ['a larger norm bound', (plan: Plan) => ({ ...plan, aggregation: { ...plan.aggregation, normBound: 1e6 } })],
    ['no keys', ({ roster: _, ...plan }: Plan) => plan],
  ])('is not signed where the coordinator filled in %s', async (_, change) => {
    const made = hub({ change });
    await expect(signedPlan(made, draft, keys)).rejects.toMatchObject({
      code: expect.stringMatching(/^PLAN_IN(VALID|COMPLETE)$/) as string,
    });
    expect(made.kept.size).toBe(0);
  });

  it('ends with the reason for which it may not run although both have signed', async () => {
    await expect(signedPlan(hub({ refusal: 'ETHICS_EXPIRED' }), draft, keys)).rejects.toMatchObject({
      code: 'ETHICS_EXPIRED',
      facts: { planDigest: planDigest(completedPlan) },
    });
  });

  it('names the keys of its sites, so that another roster is another plan', () => {
    const plan = parsePlan(completedPlan);
    expect(Object.keys(plan.roster!.sites)).toEqual(['hospital-a', 'hospital-b']);
    for (const key of Object.values(plan.roster!.sites)) expect(decodePublicKey(key)).toHaveLength(32);
    const other = completePlan(draft, {
      governance: draft.governance!,
      roster: { ...roster, sites: [site('hospital-a'), roster.sites[1]!] },
    });
    expect(planDigest(other)).not.toBe(planDigest(completedPlan));
  });
});
