import type { Metric } from '@consilium/wire';
import { describe, expect, it } from 'vitest';
import { chunksOf } from '../fixtures/updates.fixture.js';
import { NO_METRICS } from '../metrics.js';
import { abortable } from './abortable.js';
import { counted } from './counted.js';
import { readMetrics } from './metrics-in.js';

const metric = (name: Metric['name'], value?: number, low?: number, high?: number): Metric => ({
  name,
  ...(value !== undefined && { value, _value: 'value' as const }),
  ...(low !== undefined && { low, _low: 'low' as const }),
  ...(high !== undefined && { high, _high: 'high' as const }),
});

describe('metrics of a message', () => {
  it('are read by name, undefined where they have no value', () => {
    const read = readMetrics([metric('METRIC_NAME_LOSS', 0, -1, 1), metric('METRIC_NAME_AUC')]);
    expect(read).toEqual({ ...NO_METRICS, loss: { value: 0, low: -1, high: 1 } });
  });

  it('take the value for a bound that is missing', () => {
    expect(readMetrics([metric('METRIC_NAME_BRIER', 0.2)]).brier).toEqual({ value: 0.2, low: 0.2, high: 0.2 });
  });

  it('leave out what a newer release measures', () => {
    expect(readMetrics([metric('METRIC_NAME_UNSPECIFIED', 1), metric('METRIC_NAME_F1' as never, 1)])).toEqual(
      NO_METRICS,
    );
  });

  it.each([
    ['twice', [metric('METRIC_NAME_AUC', 1), metric('METRIC_NAME_AUC', 1)]],
    ['not a number', [metric('METRIC_NAME_AUC', NaN)]],
    ['an infinite bound', [metric('METRIC_NAME_AUC', 1, 0, Infinity)]],
  ])('are MESSAGE_MALFORMED when one is %s', (_, metrics) => {
    expect(() => readMetrics(metrics)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_MALFORMED', facts: { field: 'metrics.auc' } }),
    );
  });
});

describe('chunks', () => {
  const bytes = new Uint8Array(10);

  it('are counted as they go by', async () => {
    const seen: number[] = [];
    for await (const _ of counted(chunksOf(bytes, 4), (count) => seen.push(count)));
    expect(seen).toEqual([4, 4, 2]);
  });

  it('end with CANCELLED at an abort, also while one is waited for', async () => {
    const abort = new AbortController();
    const endless = (async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      await new Promise(() => {});
    })();
    const chunks = abortable(endless, abort.signal);
    expect((await chunks.next()).value).toBe(bytes);
    const waiting = expect(chunks.next()).rejects.toMatchObject({ code: 'CANCELLED' });
    abort.abort();
    await waiting;
  });

  it('are not begun after an abort, and are whole without one', async () => {
    await expect(abortable(chunksOf(bytes), AbortSignal.abort()).next()).rejects.toMatchObject({ code: 'CANCELLED' });
    const all: Uint8Array[] = [];
    for await (const chunk of abortable(chunksOf(bytes, 3), new AbortController().signal)) all.push(chunk);
    expect(all.map(({ byteLength }) => byteLength)).toEqual([3, 3, 3, 1]);
  });
});
