import { describe, expect, it } from 'vitest';
import { describe as tell, Fault } from './fault.js';
import { invariant, InvariantError, unreachable } from './invariant.js';

describe('a fault', () => {
  it('says the catalogue’s sentence and then what was expected and what came', () => {
    const fault = new Fault('WEIGHTS_MISMATCH', { expected: 14, came: 12 });
    expect(fault.message).toBe('The tensors are not those of the plan’s model. (expected: 14, came: 12)');
    expect(tell('TIMEOUT', {})).toBe('The answer did not come in time; try again.');
  });

  it('keeps its cause for the log and out of its message', () => {
    const fault = new Fault('DATA_UNREADABLE', {}, new Error('DOE^JANE'));
    expect(fault.message).not.toContain('DOE');
    expect((fault.cause as Error).message).toBe('DOE^JANE');
  });

  it('is recognised by its code', () => {
    const fault = new Fault('NOT_FOUND');
    expect(Fault.is(fault)).toBe(true);
    expect(Fault.is(fault, 'NOT_FOUND')).toBe(true);
    expect(Fault.is(fault, 'TIMEOUT')).toBe(false);
    expect(Fault.is(new Error('NOT_FOUND'))).toBe(false);
  });

  it('takes in a foreign error as INTERNAL, or as the code given, and leaves a fault as it is', () => {
    const foreign = new Error('password=secret');
    expect(Fault.from(foreign).code).toBe('INTERNAL');
    expect(Fault.from(foreign).message).not.toContain('secret');
    expect(Fault.from(foreign, 'TIMEOUT').code).toBe('TIMEOUT');
    const fault = new Fault('NOT_FOUND');
    expect(Fault.from(fault, 'TIMEOUT')).toBe(fault);
  });
});

describe('an invariant', () => {
  it('lets what holds pass and stops on what does not', () => {
    expect(() => invariant(true, 'holds')).not.toThrow();
    expect(() => invariant(0, 'zero is not true')).toThrow(InvariantError);
  });

  it('is never taken for something that may happen', () => {
    expect(() => unreachable('x' as never)).toThrow(InvariantError);
    expect(Fault.is(new InvariantError('x'))).toBe(false);
  });
});
