import { findBackendFactory, getBackend, registerBackend, removeBackend } from './tfjs.js';
import { describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { inTurn } from './turns.js';

describe('activating a backend', () => {
  it('makes it the one that computes, again and again', async () => {
    for (const name of ['cpu', 'wasm', 'cpu', 'wasm'] as const) {
      await activateBackend(name);
      expect(getBackend()).toBe(name);
    }
  });

  it('that does not start is told, and not silently replaced by another', async () => {
    await activateBackend('wasm');
    const factory = findBackendFactory('cpu');
    removeBackend('cpu');
    registerBackend('cpu', () => Promise.reject(new Error('no memory')), 1);
    await expect(activateBackend('cpu')).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      facts: { engine: 'cpu' },
    });
    removeBackend('cpu');
    registerBackend('cpu', factory, 1);
    await activateBackend('cpu');
    expect(getBackend()).toBe('cpu');
  });
});

describe('taking turns', () => {
  it('keeps the order in which work was given, each with its own backend throughout', async () => {
    const seen: string[] = [];
    const work = (name: 'cpu' | 'wasm', label: string) =>
      inTurn(name, async () => {
        seen.push(`${label} begins on ${getBackend()}`);
        await new Promise(setImmediate);
        seen.push(`${label} ends on ${getBackend()}`);
        return label;
      });
    expect(await Promise.all([work('wasm', 'first'), work('cpu', 'second'), work('wasm', 'third')])).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(seen).toEqual([
      'first begins on wasm',
      'first ends on wasm',
      'second begins on cpu',
      'second ends on cpu',
      'third begins on wasm',
      'third ends on wasm',
    ]);
  });

  it('goes on after work that failed, whose failure its own caller hears', async () => {
    const failing = inTurn('cpu', () => Promise.reject(new Error('broken')));
    const next = inTurn('cpu', async () => 'done');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('done');
  });
});
