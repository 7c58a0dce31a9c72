import { EventEmitter } from 'node:events';
import { ManualClock } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi } from '../fixtures/api.fixture.js';
import { proposePlan } from '../fixtures/hub.fixture.js';
import { planJson } from '../fixtures/plan.fixture.js';
import type { RunView } from '../runs/shapes.js';
import type { Reply } from './reply.js';
import { EventStream } from './event-stream.js';

let api: TestApi;
const ask: TestApi['ask'] = (path, question) => api.ask(path, question);
beforeAll(async () => {
  api = await TestApi.open();
});
afterAll(() => api.hub.close());

let planDigest: string;
beforeAll(async () => {
  planDigest = await proposePlan(api.hub.call, planJson());
});

describe('events of a run', () => {
  async function watch(id: string) {
    const response = await api.fetch(`/api/v1/runs/${id}/events`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    /** Reads until the stream ends. */
    const rest = async (): Promise<string> => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
      }
    };
    const first = async (): Promise<string> => {
      while (!text.includes('\n\n')) text += (await reader.read()).value ?? '';
      return text;
    };
    return { response, first, rest };
  }
  const runsIn = (text: string): { state: string }[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)) as { state: string });

  it('are the whole run at once, after each change, and end when the run has ended', async () => {
    const { json } = await ask('/api/v1/runs', { body: { planDigest } });
    const id = String(json['id']);
    const { response, first, rest } = await watch(id);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect((await first()).startsWith('event: run\ndata: {')).toBe(true);
    await ask(`/api/v1/runs/${id}/pause`, { method: 'POST' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await ask(`/api/v1/runs/${id}/cancel`, { method: 'POST' });
    const runs = runsIn(await rest());
    expect(runs.map(({ state }) => state)).toEqual(['approval', 'paused', 'cancelled']);
    expect(runs.at(-1)).toEqual((await ask(`/api/v1/runs/${id}`)).json);
  });

  it('of a run that has ended are its end', async () => {
    const { json } = await ask('/api/v1/runs?state=cancelled');
    const { rest } = await watch(String(json['runs']!['0']!['id']));
    expect(runsIn(await rest()).map(({ state }) => state)).toEqual(['cancelled']);
  });

  it('of no run are an ordinary error', async () => {
    expect(await ask('/api/v1/runs/run-0000000000/events')).toMatchObject({
      status: 404,
      json: { error: { code: 'NOT_FOUND' } },
    });
  });
});

describe('one reader', () => {
  const picture = (state: string, step = 0) => ({ state, step }) as unknown as RunView;

  /** A stream on a socket that is full whenever the test says so. */
  function reader() {
    const raw = Object.assign(new EventEmitter(), {
      written: [] as string[],
      full: false,
      ended: 0,
      writeHead: () => raw,
      write: (text: string) => {
        raw.written.push(text);
        return !raw.full;
      },
      end: () => void raw.ended++,
    });
    const clock = new ManualClock();
    const stream = new EventStream({ hijack: () => ({ raw }), raw } as unknown as Reply, clock);
    stream.start();
    const steps = () => raw.written.flatMap((text) => /"step":(\d+)/.exec(text)?.[1] ?? []);
    return { raw, clock, stream, steps };
  }

  it('that is slow misses pictures in between and never the newest', () => {
    const { raw, stream, steps } = reader();
    raw.full = true;
    for (let step = 1; step <= 5; step++) stream.push(picture('training', step));
    expect(steps()).toEqual(['1']);
    raw.full = false;
    raw.emit('drain');
    expect(steps()).toEqual(['1', '5']);
  });

  it('is not told the same picture twice', () => {
    const { stream, steps } = reader();
    for (let i = 0; i < 3; i++) stream.push(picture('training', 1));
    expect(steps()).toEqual(['1']);
  });

  it('hears a comment every 15 seconds, but not while it is slow, and nothing after its end', () => {
    const { raw, clock, stream } = reader();
    const pings = () => raw.written.filter((text) => text === ': ping\n\n').length;
    clock.advance(14_999);
    expect(pings()).toBe(0);
    clock.advance(30_001);
    expect(pings()).toBe(3);
    raw.full = true;
    stream.push(picture('training', 1));
    clock.advance(60_000);
    expect(pings()).toBe(3);
    stream.end();
    raw.emit('drain');
    clock.advance(60_000);
    expect([pings(), raw.ended]).toEqual([3, 1]);
  });

  it('is done with the picture of an ended run', () => {
    const { raw, stream } = reader();
    let told = 0;
    stream.onEnd(() => told++);
    stream.push(picture('finished'));
    stream.push(picture('finished', 2));
    stream.end();
    expect([raw.ended, told, raw.written.length]).toEqual([1, 1, 1]);
  });

  it('whose connection breaks is given up', () => {
    const { raw, stream } = reader();
    raw.emit('error', new Error('EPIPE'));
    stream.push(picture('training', 1));
    expect([raw.ended, raw.written]).toEqual([1, []]);
  });
});
