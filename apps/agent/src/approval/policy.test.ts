import { encodePublicKey } from '@consilium/identity';
import { digestOf } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../keys.fixture.js';
import { memoryLedger } from '../ledger.fixture.js';
import { policyDocument, recordPolicy, type ApprovalRules } from './policy.js';

const approver = (name: string) => ({ role: 'operator' as const, signing: encodePublicKey(keyOf(name).publicKey) });
const RULES: ApprovalRules = { approve: 'manual', approvers: [approver('one')], jurisdiction: 'DE' };

describe('the settings by which a site says yes', () => {
  it('stand in its log once, by the digest of a document that stays here', async () => {
    const { ledger, log, documents } = memoryLedger();
    await recordPolicy(ledger, RULES);
    await recordPolicy(ledger, { ...RULES });
    const policy = digestOf(policyDocument(RULES));
    expect(log.entries).toEqual([{ type: 'policy.changed', policy }]);
    expect(JSON.parse(Buffer.from(await documents.get(policy)).toString())).toEqual(RULES);
  });

  it.each<[string, ApprovalRules]>([
    ['another person', { ...RULES, approvers: [approver('two')] }],
    ['one more person', { ...RULES, approvers: [approver('one'), approver('two')] }],
    ['the agent instead of people', { ...RULES, approve: 'auto' }],
    ['another country', { ...RULES, jurisdiction: 'DK' }],
  ])('stand there anew for %s, also after a restart, and when they come back', async (_what, changed) => {
    const before = memoryLedger();
    await recordPolicy(before.ledger, RULES);
    const { ledger, types } = memoryLedger(before.log.entries, before.documents);
    await recordPolicy(ledger, RULES);
    await recordPolicy(ledger, changed);
    await recordPolicy(ledger, RULES);
    expect(types()).toEqual(['policy.changed', 'policy.changed']);
  });
});
