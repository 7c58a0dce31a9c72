import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { metricsOf, MODEL_DIGEST, runOf, siteOf } from '../testing/run.fixture.js';
import { paintFor } from '../text/colour.js';
import { widthOf } from '../text/width.js';
import type { Audit } from './audit.js';
import type { Baselines } from './baselines.js';
import { placeLines, reportLines, shownPath } from './report.js';
import { mean, resultOf, type UpResult } from './result.js';

const run = {
  ...runOf({
    state: 'finished',
    sites: [
      siteOf('hospital-a', { examples: 600, bytesUp: 1_254_000, bytesDown: 1_310_000, metrics: metricsOf(0.861) }),
      siteOf('hospital-b', { examples: 300, bytesUp: 1_254_000, bytesDown: 1_310_000, metrics: metricsOf(null) }),
    ],
  }),
  modelDigest: MODEL_DIGEST,
};
const measured = (...aucs: [string, number | null][]) => ({
  tests: Object.fromEntries(aucs.map(([name, auc]) => [name, metricsOf(auc)])),
});
const baselines: Baselines = {
  local: {
    'hospital-a': measured(['hospital-a', 0.812], ['external', 0.6]),
    'hospital-b': measured(['hospital-b', null], ['external', 0.7]),
  },
  pooled: measured(['hospital-a', 0.877], ['hospital-b', null], ['external', 0.9]),
  federatedExternal: metricsOf(0.88),
};
const facts = {
  study: 'lung-nodule',
  seed: 1,
  engine: 'wasm',
  secondsToFirstRound: 9.30149,
  seconds: 72.4567891,
  coordinatorPeakRssBytes: 412_000_000,
};
const audit: Audit = {
  run: run.id,
  bundle: '/srv/demo/audit/run',
  report: { verdict: 'pass', findings: [], summary: { logs: [], runs: [] } },
};
const result = resultOf(run, baselines, audit, facts);
const withoutExternal = (): UpResult =>
  resultOf(
    run,
    {
      local: { 'hospital-a': measured(['hospital-a', 0.5]) },
      pooled: measured(['hospital-a', 0.6]),
      federatedExternal: null,
    },
    audit,
    facts,
  );

describe('the result', () => {
  it('puts the run and the comparison together', () => {
    expect(result).toEqual({
      study: 'lung-nodule',
      seed: 1,
      engine: 'wasm',
      rounds: 20,
      seconds: 72.457,
      secondsToFirstRound: 9.301,
      modelDigest: MODEL_DIGEST,
      coordinatorPeakRssBytes: 412_000_000,
      sites: [
        {
          name: 'hospital-a',
          examples: 600,
          localAuc: 0.812,
          federatedAuc: 0.861,
          pooledAuc: 0.877,
          bytesUp: 1_254_000,
          bytesDown: 1_310_000,
        },
        {
          name: 'hospital-b',
          examples: 300,
          localAuc: null,
          federatedAuc: null,
          pooledAuc: null,
          bytesUp: 1_254_000,
          bytesDown: 1_310_000,
        },
      ],
      external: {
        name: 'external',
        localAucMean: expect.closeTo(0.65, 12) as number,
        federatedAuc: 0.88,
        pooledAuc: 0.9,
      },
      audit: { verdict: 'pass', findings: [], bundle: '/srv/demo/audit/run' },
    });
  });

  it('has no external hospital in a study without one', () => {
    expect(withoutExternal().external).toBeNull();
  });

  it('names the engine that worked where it is told, else the one asked for', () => {
    expect(
      resultOf(run, { ...baselines, pooled: { ...baselines.pooled, engine: 'cpu' } }, audit, {
        ...facts,
        engine: 'auto',
      }).engine,
    ).toBe('cpu');
    expect(result.engine).toBe('wasm');
  });

  it('has means over what is defined', () => {
    expect(mean([0.5, null, 0.7])).toBeCloseTo(0.6, 12);
    expect(mean([null])).toBeNull();
    expect(mean([])).toBeNull();
  });
});

describe('the JSON Schema of the last line', async () => {
  const schema: unknown = JSON.parse(
    await readFile(new URL('../../schemas/up-result.schema.json', import.meta.url), 'utf8'),
  );
  const accepts = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema as object);

  it('accepts every result', () => {
    for (const each of [
      result,
      withoutExternal(),
      { ...result, secondsToFirstRound: null, coordinatorPeakRssBytes: null },
    ]) {
      expect(accepts(JSON.parse(JSON.stringify(each))), JSON.stringify(accepts.errors)).toBe(true);
    }
  });

  it.each([
    ['a missing field', ({ seed: _, ...rest }: UpResult) => rest],
    ['an unknown field', (good: UpResult) => ({ ...good, colour: 'red' })],
    ['a digest that is none', (good: UpResult) => ({ ...good, modelDigest: 'abc' })],
    ['an area above one', (good: UpResult) => ({ ...good, sites: [{ ...good.sites[0]!, localAuc: 1.2 }] })],
    ['no site', (good: UpResult) => ({ ...good, sites: [] })],
    ['bytes that are no number', (good: UpResult) => ({ ...good, sites: [{ ...good.sites[0]!, bytesUp: '1 MB' }] })],
    [
      'an external hospital without a name',
      (good: UpResult) => ({ ...good, external: { ...good.external, name: '' } }),
    ],
  ])('refuses %s', (_, spoil) => {
    expect(accepts(spoil(result))).toBe(false);
  });
});

describe('the report', () => {
  const plain = (width: number): string[] => reportLines(result, width, paintFor(false));

  it('at 80 columns is a table, a sentence and the facts', () => {
    expect(plain(80)).toEqual([
      'Area under the ROC curve of three models, each on test images it never saw:',
      '',
      'hospital    examples  its own  federated  pooled     sent  received',
      '──────────  ────────  ───────  ─────────  ──────  ───────  ────────',
      'hospital-a       600    0.812      0.861   0.877  1.25 MB   1.31 MB',
      'hospital-b       300        –          –       –  1.25 MB   1.31 MB',
      'external           –    0.650      0.880   0.900        –         –',
      '',
      'On average 0.871 federated, 0.731 alone, 0.889 with all images in one place. The',
      'external hospital trained nothing; its row under “its own” is the mean of the',
      'hospitals’ own models there.',
      '',
      'study        lung-nodule, seed 1, engine wasm',
      'rounds       20 with 2 hospitals',
      'time         1 min 12 s, the first round after 9.3 s',
      'coordinator  412 MB of memory at most',
      `model        ${MODEL_DIGEST}`,
    ]);
  });

  it('at 120 columns is the same table', () => {
    expect(plain(120).slice(0, 7)).toEqual(plain(80).slice(0, 7));
  });

  it('in colours has the same layout', () => {
    expect(reportLines(result, 80, paintFor(true)).map((line) => line.replace(/\u001b\[[0-9;]*m/g, ''))).toEqual(
      plain(80),
    );
  });

  it.each([60, 80, 100, 120])('has no line wider than %i columns', (width) => {
    for (const line of plain(width).filter((each) => !each.startsWith('model ')))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('does not speak of an external hospital where there is none', () => {
    expect(reportLines(withoutExternal(), 80, paintFor(false)).join('\n')).not.toContain('external');
  });

  it('claims nothing where an area is undefined everywhere', () => {
    const undefinedEverywhere = { ...result, sites: [result.sites[1]!], external: null };
    expect(reportLines(undefinedEverywhere, 80, paintFor(false)).join('\n')).toContain('the area is undefined');
  });

  it('says where things answer while they do, and where the model is', () => {
    const places = { url: 'http://127.0.0.1:4000', tokenFile: '/s/token', modelFile: '/s/m.safetensors' };
    expect(placeLines(places, true)).toEqual([
      'API          http://127.0.0.1:4000/api/v1',
      'its pages    http://127.0.0.1:4000/docs',
      'metrics      http://127.0.0.1:4000/metrics',
      'token        /s/token',
      'model file   /s/m.safetensors',
    ]);
    expect(placeLines(places, false)).toEqual(['model file   /s/m.safetensors']);
  });

  it('shortens paths below the working directory, and no others', () => {
    expect(shownPath('/srv/me/.consilium/models/m', '/srv/me')).toBe('.consilium/models/m');
    expect(shownPath('/srv/demo/models/m', '/srv/me')).toBe('/srv/demo/models/m');
    expect(shownPath('/srv/me', '/srv/me')).toBe('/srv/me');
  });
});
