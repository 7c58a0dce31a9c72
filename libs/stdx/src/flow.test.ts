import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ManualClock } from './clock.js';
import { withOverrides } from './env.js';
import { Fault } from './fault.js';
import { parseShape, shapeProblems } from './shape.js';
import { BoundedQueue, limitBytes, withDeadline } from './streams.js';

const collect = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
};
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'nothing thrown';
  } catch (error) {
    return Fault.is(error) ? error.code : 'not a fault';
  }
};

describe('a bounded queue', () => {
  it('hands everything out once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { maxLength: 50 }), async (items) => {
        const queue = new BoundedQueue<number>(50);
        const reading = collect(queue);
        for (const item of items) queue.push(item);
        queue.close();
        expect(await reading).toEqual(items);
      }),
    );
  });

  it('says when it is full or closed rather than dropping anything', () => {
    const queue = new BoundedQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
    expect(queue.size).toBe(2);
    queue.close();
    expect(queue.push(4)).toBe(false);
  });

  it('gives its failure to the reader after what it held', async () => {
    const queue = new BoundedQueue<number>(2);
    queue.push(1);
    queue.close(new Fault('UNAVAILABLE'));
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of queue) seen.push(item);
      })(),
    ).rejects.toThrow(Fault);
    expect(seen).toEqual([1]);
  });
});

describe('a byte limit', () => {
  const source = async function* (...sizes: number[]): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield new Uint8Array(size);
  };

  it('passes exactly as many bytes as it allows', async () => {
    expect((await collect(limitBytes(source(3, 4), 7))).length).toBe(2);
  });

  it('refuses the chunk that goes beyond', async () => {
    await expect(collect(limitBytes(source(3, 5), 7))).rejects.toMatchObject({ code: 'UPDATE_TOO_LARGE' });
  });
});

describe('a deadline', () => {
  it('lets work through that is done in time and then forgets its timer', async () => {
    const clock = new ManualClock();
    expect(await withDeadline(Promise.resolve(7), clock, 10)).toBe(7);
    clock.advance(20);
  });

  it('refuses work that takes longer', async () => {
    const clock = new ManualClock();
    const late = withDeadline(new Promise(() => {}), clock, 10);
    clock.advance(10);
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('a clock moved by hand', () => {
  it('fires what is due in order of time, also what is planned on the way', () => {
    const clock = new ManualClock(100);
    const fired: number[] = [];
    clock.after(20, () => fired.push(clock.now()));
    clock.after(10, () => {
      fired.push(clock.now());
      clock.after(5, () => fired.push(clock.now()));
    });
    const cancel = clock.after(12, () => fired.push(-1));
    cancel();
    clock.advance(30);
    expect(fired).toEqual([110, 115, 120]);
    expect(clock.monotonic()).toBe(130);
  });
});

describe('a shape', () => {
  const schema = z.strictObject({ port: z.int().min(1), name: z.string() });

  it('gives back what fits', () => {
    expect(parseShape(schema, { port: 1, name: 'a' }, 'SETTINGS_INVALID')).toEqual({ port: 1, name: 'a' });
    expect(shapeProblems(schema, { port: 1, name: 'a' })).toEqual([]);
  });

  it('names the path, what was expected and what kind of thing came, never its value', () => {
    try {
      parseShape(schema, { port: 1, name: 4711 }, 'SETTINGS_INVALID');
      expect.unreachable();
    } catch (error) {
      expect(Fault.is(error, 'SETTINGS_INVALID')).toBe(true);
      expect((error as Fault).facts).toMatchObject({ path: 'name', came: 'a number' });
      expect((error as Fault).message).not.toContain('4711');
    }
  });

  it('lists every problem', () => {
    expect(shapeProblems(schema, { port: 0, name: null, more: [] }).map((problem) => problem.path)).toEqual([
      'port',
      'name',
      '(top)',
    ]);
    expect(shapeProblems(schema, [])[0]).toMatchObject({ path: '(top)', came: 'a list of 0' });
  });
});

describe('the environment over a settings document', () => {
  const overrides = { PORT: ['http', 'port'], STATE: ['state'] } as const;

  it('replaces what it names, one or two keys deep, and leaves the document as it was', () => {
    const document = { state: 'a', http: { host: 'h', port: 1 }, other: true };
    const copy = structuredClone(document);
    expect(withOverrides(document, { PORT: '80', STATE: 'b', OTHER: 'x' }, overrides)).toEqual({
      state: 'b',
      http: { host: 'h', port: '80' },
      other: true,
    });
    expect(document).toEqual(copy);
  });

  it('makes the section that is missing, and counts an empty variable as absent', () => {
    expect(withOverrides({}, { PORT: '80', STATE: '' }, overrides)).toEqual({ http: { port: '80' } });
    expect(withOverrides(undefined, { STATE: 'b' }, overrides)).toEqual({ state: 'b' });
  });

  it('means what the reader says at each path', () => {
    const read = (text: string, path: readonly unknown[]): unknown => (path.at(-1) === 'port' ? Number(text) : text);
    expect(withOverrides({}, { PORT: '80', STATE: '80' }, overrides, read)).toEqual({
      http: { port: 80 },
      state: '80',
    });
  });

  it.each([[[1]], ['text'], [7]])('leaves what is no mapping (%j) for the schema to refuse', (document) => {
    expect(withOverrides(document, { STATE: 'b' }, overrides)).toBe(document);
  });

  it('is refused by the schema by name and never by value', () => {
    const schema = z.strictObject({ token: z.string().min(8) });
    const document = withOverrides({}, { TOKEN: 'hunter2' }, { TOKEN: ['token'] });
    expect(codeOf(() => parseShape(schema, document, 'SETTINGS_INVALID'))).toBe('SETTINGS_INVALID');
    try {
      parseShape(schema, document, 'SETTINGS_INVALID');
    } catch (error) {
      expect((error as Error).message).toContain('token');
      expect((error as Error).message).not.toContain('hunter2');
    }
  });
});
