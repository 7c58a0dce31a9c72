import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { Scene } from '../people/scene.fixture.js';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

describe('every answer', () => {
  it.each([
    ['one that is good', '/api/v1/whoami', TOKEN, 200],
    ['one without a token', '/api/v1/whoami', null, 401],
    ['one to a token that is wrong', '/api/v1/whoami', 'a.b.c', 401],
    ['one that is not there', '/nowhere', null, 404],
  ])('tells browsers to keep to themselves: %s', async (_, path, token, expected) => {
    const { status, headers } = await scene.ask(path, { token });
    expect(status).toBe(expected);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('to a program of another origin allows nothing', async () => {
    const response = await fetch(`${scene.url}/api/v1/login`, { headers: { origin: 'https://attacker.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('of the documentation may load what is its own', async () => {
    const { headers } = await scene.ask('/docs', { token: null });
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    for (const path of ['/docsx', '/api/docs'])
      expect((await scene.ask(path, { token: null })).headers.get('content-security-policy')).toContain("'none'");
  });
});
