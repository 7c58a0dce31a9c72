import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readChildMessage, readParentMessage } from './messages.js';

describe('a message of a child', () => {
  it('is read as it is meant', () => {
    expect(readChildMessage({ type: 'ready' })).toEqual({ type: 'ready' });
    expect(readChildMessage({ type: 'progress', id: 1, progress: 0.5 })).toEqual({
      type: 'progress',
      id: 1,
      progress: 0.5,
    });
    expect(readChildMessage({ type: 'response', id: 2, response: null })).toEqual({
      type: 'response',
      id: 2,
      response: null,
    });
    const fault = { type: 'fault', id: 3, code: 'DATA_EMPTY', facts: { split: 'train' }, detail: 'stack' };
    expect(readChildMessage(fault)).toEqual(fault);
  });

  it('with a code that is none of ours means INTERNAL', () => {
    expect(readChildMessage({ type: 'fault', id: 1, code: 'EVIL' })).toEqual({
      type: 'fault',
      id: 1,
      code: 'INTERNAL',
      facts: {},
      detail: '',
    });
  });

  it('keeps only facts that are text, numbers or yes and no', () => {
    const facts = { step: 3, name: 'a', known: true, list: [1], nothing: null, deep: { a: 1 } };
    expect(readChildMessage({ type: 'fault', id: 1, code: 'DATA_EMPTY', facts })).toMatchObject({
      facts: { step: 3, name: 'a', known: true },
    });
  });

  it('has only the fields of its kind', () => {
    expect(readChildMessage({ type: 'response', id: 1, response: 2, code: 'DATA_EMPTY', more: 3 })).toEqual({
      type: 'response',
      id: 1,
      response: 2,
    });
  });

  it('may be anything without harm', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const message = readChildMessage(value);
        if (message && message.type !== 'ready') expect(typeof message.id).toBe('number');
      }),
    );
    for (const value of [undefined, null, 7, 'ready', [], {}, { type: 'response' }, { type: 'no such', id: 1 }]) {
      expect(readChildMessage(value)).toBeUndefined();
    }
  });
});

describe('a message of a parent', () => {
  it('is read as it is meant', () => {
    const call = { type: 'call', id: 1, name: 'fit', request: { steps: 3 } };
    expect(readParentMessage(call)).toEqual(call);
    expect(readParentMessage({ type: 'cancel', id: 1 })).toEqual({ type: 'cancel', id: 1 });
  });

  it('may be anything without harm', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const message = readParentMessage(value);
        if (message) expect(typeof message.id).toBe('number');
      }),
    );
    for (const value of [
      null,
      { type: 'call', id: 1 },
      { type: 'call', name: 'fit' },
      { type: 'cancel' },
      { type: 'x', id: 1 },
    ]) {
      expect(readParentMessage(value)).toBeUndefined();
    }
  });
});
