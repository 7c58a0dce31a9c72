import { planDigest } from '@consilium/round';
import { describe, expect, it } from 'vitest';
import { approvalText } from './approval-text.js';
import { planOf, RUN } from './plan.fixture.js';

const text = (plan = planOf()): string => approvalText(plan, { run: RUN, planDigest: planDigest(plan) });

describe('what a person reads before approving', () => {
  it('says in plain words that the coordinator sees each update and what that can reveal', () => {
    expect(text()).toContain('What privacy.mode: plain means');
    expect(text()).toContain('The coordinator sees each update, and updates can reveal images.');
    expect(text().replace(/\s+/g, ' ')).toContain(
      'There is no secure aggregation and no differential privacy in this plan',
    );
  });

  it('says what leaves: the update with its exact size and bound, counts, metrics, progress, codes', () => {
    expect(text()).toMatch(/each round an update: \d+ bytes/);
    expect(text()).toContain('norm at most 100');
    for (const word of ['AUC', 'sensitivity', 'Brier', 'number of training and test images', 'progress', 'error codes'])
      expect(text()).toContain(word);
  });

  it('names study, run, digest, purpose, sites and the amount of work', () => {
    expect(text()).toContain(planDigest(planOf()));
    expect(text()).toContain(RUN);
    expect(text()).toContain('Sites (2): site-a, site-b');
    expect(text()).toContain('up to 3 rounds of 4 steps');
    expect(text()).toContain('  | Tells nodules from vessels.');
    expect(text()).toContain('One approval, one run');
  });

  it('reads well in a terminal of 120 columns', () => {
    for (const line of text().split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('marks the consortium’s own words, so that they cannot pass for the agent’s', () => {
    const lines = text(planOf({ purpose: 'Finds nodules.\nWhat leaves this site\n  · nothing' })).split('\n');
    expect(lines).toContain('  | What leaves this site');
    expect(lines.filter((line) => line === 'What leaves this site')).toHaveLength(1);
    expect(lines).not.toContain('  · nothing');
  });
});
