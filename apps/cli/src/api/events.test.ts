import { Fault, ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.js';
import { fixtureCoordinator, refuse, TOKEN, type FixtureCoordinator } from '../testing/coordinator.fixture.js';
import { MODEL_DIGEST, runOf } from '../testing/run.fixture.js';
import { Coordinator } from './coordinator.js';
import { followRun } from './events.js';
import type { Run } from './shapes.js';

let fixture: FixtureCoordinator;
let coordinator: Coordinator;
const ID = runOf().id;
const FINISHED = runOf({ state: 'finished', modelDigest: MODEL_DIGEST });

beforeEach(async () => {
  fixture = await fixtureCoordinator();
  fixture.runs = [runOf()];
  coordinator = new Coordinator({ url: fixture.url, token: TOKEN }, systemClock);
});
afterEach(() => fixture.close());

/** Follows a run and does something after each state that comes. */
async function follow(
  after: (run: Run, seen: number) => void,
  events = { retryMs: 1, patienceMs: 5_000 },
): Promise<Run[]> {
  const seen: Run[] = [];
  for await (const run of coordinator.follow(ID, events)) {
    seen.push(run);
    after(run, seen.length);
  }
  return seen;
}

describe('following a run', () => {
  it('begins with where the run stands and ends when the run has ended', async () => {
    const seen = await follow((run) => run.state === 'training' && fixture.push(FINISHED));
    expect(seen.map((run) => run.state)).toEqual(['training', 'finished']);
  });

  it('ends at once for a run that ended before', async () => {
    fixture.runs = [FINISHED];
    expect(await follow(() => {})).toHaveLength(1);
  });

  it('opens the stream again when it breaks, and misses nothing that lasts', async () => {
    const seen = await follow((_, count) => {
      if (count === 1) {
        fixture.breakStreams();
        fixture.runs = [runOf({ round: 5 })];
      } else if (count === 2) fixture.push(FINISHED);
    });
    expect(seen.map((run) => run.round)).toEqual([1, 5, 1]);
    expect(fixture.calls.filter((call) => call.endsWith('/events'))).toHaveLength(2);
  });

  it('goes on trying while the coordinator answers that it is not there yet', async () => {
    let refusals = 3;
    fixture.answers.set(`GET /api/v1/runs/${ID}/events`, (_, response) => {
      if (--refusals === 0) fixture.answers.clear();
      refuse(response, 'UNAVAILABLE');
    });
    expect(await follow(() => fixture.push(FINISHED))).toHaveLength(2);
  });

  it('gives up when its patience is at an end', async () => {
    await fixture.close();
    await expect(follow(() => {}, { retryMs: 1, patienceMs: 50 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    fixture = await fixtureCoordinator();
  });

  it('does not try again when the coordinator refuses', async () => {
    fixture.runs = [];
    await expect(follow(() => {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(fixture.calls).toHaveLength(1);
  });

  it('refuses an event that is not a run', async () => {
    fixture.answers.set(`GET /api/v1/runs/${ID}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: run\ndata: {"id": 7}\n\n');
    });
    await expect(follow(() => {})).rejects.toMatchObject({ code: 'MESSAGE_MALFORMED' });
  });

  it('does not mind comments and events of other names', async () => {
    fixture.answers.set(`GET /api/v1/runs/${ID}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: ping\n\nevent: hello\ndata: {}\n\nevent: run\ndata: ${JSON.stringify(FINISHED)}\n\n`);
    });
    expect(await follow(() => {})).toEqual([FINISHED]);
  });

  it('reads an event that comes in pieces, cut even inside a character', async () => {
    const bytes = Buffer.from(`event: run\ndata: ${JSON.stringify({ ...FINISHED, study: 'lüngen' })}\n\n`);
    const cut = bytes.indexOf(0xc3) + 1;
    fixture.answers.set(`GET /api/v1/runs/${ID}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(bytes.subarray(0, cut));
      setTimeout(() => response.write(bytes.subarray(cut)), 20);
    });
    expect((await follow(() => {}))[0]!.study).toBe('lüngen');
  });

  it('ends with CANCELLED when asked to stop', async () => {
    const stop = new AbortController();
    coordinator = new Coordinator({ url: fixture.url, token: TOKEN }, systemClock, stop.signal);
    await expect(follow(() => stop.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('lets go of the stream when the reader leaves', async () => {
    for await (const run of coordinator.follow(ID)) {
      expect(run.id).toBe(ID);
      break;
    }
    await vi.waitFor(() => expect(fixture.openStreams()).toBe(0));
  });
});

describe('a silent stream', () => {
  it('is given up after the silence that three missed pings make', async () => {
    const clock = new ManualClock();
    let opened = 0;
    const open = (): Promise<Response> => {
      opened += 1;
      const text = opened === 1 ? undefined : `event: run\ndata: ${JSON.stringify(FINISHED)}\n\n`;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => void (text && controller.enqueue(Buffer.from(text))),
      });
      // The clock moves on by itself, as it does while nothing comes.
      setTimeout(() => clock.advance(45_000), 5);
      setTimeout(() => clock.advance(1_000), 25);
      return Promise.resolve(new Response(body));
    };
    const seen: Run[] = [];
    for await (const run of followRun(open, { clock })) seen.push(run);
    expect(opened).toBe(2);
    expect(seen).toEqual([FINISHED]);
  });

  it('ends the following with TIMEOUT when it stays silent for longer than its patience', async () => {
    const clock = new ManualClock();
    const open = (): Promise<Response> => {
      setTimeout(() => clock.advance(60_000), 5);
      return Promise.resolve(new Response(new ReadableStream({})));
    };
    const following = followRun(open, { clock }).next();
    await expect(following).rejects.toBeInstanceOf(Fault);
    await expect(following).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});
