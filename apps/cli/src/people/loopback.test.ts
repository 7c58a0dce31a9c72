import { ManualClock } from '@consilium/stdx';
import { afterEach, describe, expect, it } from 'vitest';
import { Loopback } from './loopback.js';

const STATE = 'the-state-of-this-login';
const clock = new ManualClock();
const undo: (() => void)[] = [];
afterEach(() => undo.splice(0).forEach((step) => step()));

async function open(signal?: AbortSignal): Promise<Loopback> {
  const loopback = await Loopback.open(STATE, clock, signal);
  undo.push(() => loopback.close());
  return loopback;
}
const come = async ({ redirectUri }: Loopback, query: Record<string, string>): Promise<number> =>
  (await fetch(`${redirectUri}?${new URLSearchParams(query).toString()}`)).status;

describe('the way back from the browser', () => {
  it('is an address of this machine by number', async () => {
    expect((await open()).redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  });

  it('brings the code of this login', async () => {
    const loopback = await open();
    expect(await come(loopback, { state: STATE, code: 'the-code' })).toBe(200);
    expect(await loopback.code).toBe('the-code');
  });

  it('takes no code of another login, and goes on waiting for its own', async () => {
    const loopback = await open();
    for (const query of [{ state: 'another', code: 'planted' }, { code: 'planted' }] as Record<string, string>[])
      expect(await come(loopback, query)).toBe(404);
    expect((await fetch(loopback.redirectUri.replace('/callback', '/'))).status).toBe(404);
    expect((await fetch(`${loopback.redirectUri}?state=${STATE}&code=x`, { method: 'POST' })).status).toBe(404);
    await come(loopback, { state: STATE, code: 'own' });
    expect(await loopback.code).toBe('own');
  });

  it('tells what went wrong by our code, with the person’s id, and nothing else that came', async () => {
    const person = 'person-0123456789';
    const unknown = await open();
    await come(unknown, { state: STATE, error: 'ACCOUNT_UNKNOWN', person });
    await expect(unknown.code).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN', facts: { person } });
    const strange = await open();
    await come(strange, { state: STATE, error: '<script>', person: 'Dr. Weber' });
    await expect(strange.code).rejects.toMatchObject({ code: 'LOGIN_FAILED', facts: {} });
  });

  it('shows the browser nothing of what came', async () => {
    const loopback = await open();
    const page = await fetch(`${loopback.redirectUri}?state=${STATE}&code=<script>`);
    expect(await page.text()).not.toContain('script');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('is given up after ten minutes, and at once when asked to', async () => {
    const late = await open();
    clock.advance(10 * 60_000);
    await expect(late.code).rejects.toMatchObject({ code: 'TIMEOUT' });
    const stop = new AbortController();
    const stopped = await open(stop.signal);
    stop.abort();
    await expect(stopped.code).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
