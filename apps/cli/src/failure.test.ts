import { Fault, InvariantError } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { tellFailure } from './failure.js';
import { memoryTerminal } from './testing/terminal.fixture.js';

describe('telling of a failure', () => {
  it('is one line with the code, the sentence and the facts', () => {
    const terminal = memoryTerminal();
    expect(tellFailure(new Fault('PORT_IN_USE', { port: 4000 }), terminal, false)).toBe(1);
    expect(terminal.errLines).toEqual([
      'consilium: PORT_IN_USE: The port is taken by another program; stop it or choose another port. (port: 4000)',
    ]);
    expect(terminal.outLines).toEqual([]);
  });

  it('with --json is also the last line of standard output', () => {
    const terminal = memoryTerminal();
    tellFailure(new Fault('NOT_FOUND', { model: 'abcd' }), terminal, true);
    expect(JSON.parse(terminal.outLines.at(-1)!)).toEqual({
      error: { code: 'NOT_FOUND', message: 'There is no such thing here.', facts: { model: 'abcd' } },
    });
  });

  it.each([
    ['USAGE', 2],
    ['CANCELLED', 130],
    ['RUN_FAILED', 1],
    ['INTERNAL', 1],
  ] as const)('exits %s with %i', (code, exit) => {
    expect(tellFailure(new Fault(code), memoryTerminal(), false)).toBe(exit);
  });

  it('names the option where namespaces are denied', () => {
    const terminal = memoryTerminal();
    tellFailure(new Fault('SANDBOX_UNAVAILABLE', { program: 'hospital-a' }), terminal, false);
    expect(terminal.errLines[1]).toContain('consilium up --sandbox off');
  });

  it('does not tell another library’s text', () => {
    const terminal = memoryTerminal();
    tellFailure(new Error('patient Doe^John'), terminal, true);
    expect([...terminal.errLines, ...terminal.outLines].join()).not.toContain('Doe');
    expect(terminal.errLines[0]).toContain('INTERNAL');
  });

  it('tells of a bug of ours where it is, and of others with CONSILIUM_DEBUG', () => {
    const bug = memoryTerminal();
    tellFailure(new InvariantError('a template is a mapping'), bug, false);
    expect(bug.errLines.join('\n')).toContain('a template is a mapping');
    const asked = memoryTerminal({ env: { CONSILIUM_DEBUG: '1' } });
    tellFailure(new Error('the cause'), asked, false);
    expect(asked.errLines.join('\n')).toContain('the cause');
  });
});
