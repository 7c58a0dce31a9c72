import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { attempt } from './attempt.js';
import { findingFault } from './finding.js';

describe('an attempt', () => {
  it('makes a refusal into a value, and lets every other error pass', () => {
    const fault = new Fault('LEDGER_FORKED');
    const fail = (error: Error) => (): never => {
      throw error;
    };
    expect(attempt(() => 7)).toEqual({ value: 7 });
    expect(attempt(fail(fault))).toEqual({ fault });
    expect(() => attempt(fail(new TypeError('ours')))).toThrow(TypeError);
  });
});

describe('a finding', () => {
  it('becomes a Fault with its code, its place and what was expected', () => {
    const finding = { code: 'LEDGER_CORRUPT', entry: 'lung/coordinator/2026#3', expected: 'a', found: 'b' } as const;
    expect(findingFault(finding)).toMatchObject({
      code: 'LEDGER_CORRUPT',
      facts: { entry: 'lung/coordinator/2026#3', expected: 'a', found: 'b' },
    });
    expect(findingFault({ ...finding, entry: null }).facts).toEqual({ expected: 'a', found: 'b' });
  });
});
