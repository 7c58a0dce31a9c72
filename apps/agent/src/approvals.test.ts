import { signEnvelope } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { approversOf, AutoApprovals } from './approvals.js';
import { keyOf } from './keys.fixture.js';
import { approvalOf, KEY } from './plan.fixture.js';

const { by: _by, envelope: _envelope, ...draft } = approvalOf();

describe('the approval that the settings give', () => {
  it('is signed by the site’s key alone and says so', async () => {
    const approvals = new AutoApprovals(KEY);
    const { by, envelope } = await approvals.alone(draft);
    expect(by).toBe('auto');
    expect(approvals.open(envelope)).toEqual(approvalOf());
  });

  it('is opened only where this site has signed it', () => {
    const forged = signEnvelope('approval', approvalOf(), [keyOf('coordinator')]);
    expect(() => new AutoApprovals(KEY).open(forged)).toThrow(Fault);
  });

  it('is given only where the settings say so: people are named, or the agent decides', () => {
    expect(() => approversOf({ approve: 'manual', approvers: [] })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }),
    );
    expect(approversOf({ approve: 'auto', approvers: [] })).toEqual([]);
  });
});
