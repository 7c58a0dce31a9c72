import { parsePlan } from '@consilium/round';
import { CATALOGUE, CODES } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { TestApi, type Told } from '../fixtures/api.fixture.js';
import { VERSION } from '../software.js';
import { faultOf } from './errors.js';
import { EXAMPLE_PLAN } from './plan-schema.js';

const studies = new MemoryStudyStore(new MemoryTables());

let api: TestApi;
const ask: TestApi['ask'] = (path, question) => api.ask(path, question);
beforeAll(async () => {
  api = await TestApi.open({ studies });
});
afterAll(() => api.hub.close());

describe('the token', () => {
  const open = [
    'get /health',
    'get /api/v1/login',
    'get /api/v1/login/oidc',
    'get /api/v1/login/oidc/callback',
    'post /api/v1/login/code',
    'post /api/v1/login/local',
    'post /api/v1/login/setup',
    'post /api/v1/login/setup/complete',
    'post /api/v1/login/refresh',
    'post /api/v1/login/logout',
  ];

  it('is needed everywhere but where nothing is told, or where one gets it', async () => {
    const { json } = await ask('/docs-json', { token: null });
    const paths = Object.entries<Told>(json['paths']!).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method, path] as const),
    );
    expect(paths.length).toBeGreaterThan(15);
    for (const [method, path] of paths) {
      const concrete = path
        .replace('{name}', 'trial')
        .replace('{digest}', 'a'.repeat(64))
        .replace('{id}', 'run-0000000000');
      const { status, json: told } = await ask(concrete, {
        method: method.toUpperCase(),
        token: null,
        ...(method === 'post' && { body: {} }),
      });
      if (open.includes(`${method} ${path}`))
        expect([path, told['error']?.['code']]).not.toEqual([path, 'TOKEN_MISSING']);
      else expect([path, status, told]).toMatchObject([path, 401, { error: { code: 'TOKEN_MISSING' } }]);
    }
  });

  it('that is wrong is refused as none is, and the answer says how to authenticate', async () => {
    const { status, headers, json } = await ask('/api/v1/sites', { token: 'B'.repeat(43) });
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(json).toEqual({ error: { code: 'TOKEN_MISSING', message: CATALOGUE.TOKEN_MISSING.sentence, facts: {} } });
  });

  it('is checked before the request is looked at', async () => {
    expect((await ask('/api/v1/studies', { token: null, body: { wrong: true } })).status).toBe(401);
  });
});

describe('operations', () => {
  it('say that the coordinator is up, without a token', async () => {
    expect((await ask('/health', { token: null })).json).toEqual({ status: 'ok', version: VERSION });
  });

  it('give figures for Prometheus', async () => {
    const { text, headers } = await ask('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    for (const name of [
      'consilium_rounds_total',
      'consilium_updates_total',
      'consilium_transfer_bytes_total',
      'consilium_round_duration_seconds',
      'consilium_sites_connected 0',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(name);
    }
  });
});

describe('the documentation', () => {
  it('is a page', async () => {
    const { status, text } = await ask('/docs', { token: null });
    expect([status, text.includes('Consilium coordinator')]).toEqual([200, true]);
    expect((await ask('/docs/swagger-ui-bundle.js', { token: null })).status).toBe(200);
  });

  it('describes every route: a summary, its answer, its errors with an example, and the bearer scheme', async () => {
    const { json } = await ask('/docs-json', { token: null });
    expect(json['components']).toMatchObject({ securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } });
    for (const methods of Object.values<Told>(json['paths']!)) {
      for (const operation of Object.values(methods)) {
        expect(String(operation['summary']).length).toBeGreaterThan(5);
        expect(operation.tags).toHaveLength(1);
        const good = Object.entries(operation['responses']!).filter(([status]) => /^[23]/.test(status));
        expect(good).toHaveLength(1);
        // A redirect has no content of its own.
        if (good[0]![0] !== '302') expect(Object.keys(good[0]![1]['content']!)).toHaveLength(1);
      }
    }
    const examples = { PLAN_INVALID: { value: { error: { code: 'PLAN_INVALID' } } } };
    expect(json['paths']!['/api/v1/studies/{name}/plans']).toMatchObject({
      post: {
        responses: {
          400: {
            description: expect.stringContaining('`PLAN_INVALID`'),
            content: { 'application/json': { examples } },
          },
        },
      },
    });
    expect(json['components']!['schemas']).toMatchObject({
      Run: { properties: { sites: {} } },
      Plan: { properties: { rounds: {} } },
    });
  });

  it('has an example plan that is one', () => {
    expect(parsePlan(EXAMPLE_PLAN)).toMatchObject({ study: 'lung-nodule' });
  });
});

describe('errors', () => {
  it('of Nest and Fastify become ours, and their texts stay here', () => {
    expect(faultOf({ getStatus: () => 404, message: 'Cannot GET /secret' })).toMatchObject({
      code: 'NOT_FOUND',
      facts: {},
    });
    expect(faultOf({ statusCode: 413 })).toMatchObject({ code: 'REQUEST_INVALID', facts: { status: 413 } });
    for (const bug of [new TypeError('x is not a function'), 'text', null, { statusCode: 503 }])
      expect(faultOf(bug).code).toBe('INTERNAL');
  });

  it('have a status for each code of the catalogue', () => {
    for (const code of CODES) expect(CATALOGUE[code].http).toBeGreaterThanOrEqual(400);
  });

  it('tell of a bug only that there is one', async () => {
    studies.list = () => Promise.reject(new TypeError('undefined is not “patient 4711”'));
    const { status, json, text } = await ask('/api/v1/studies');
    expect([status, json]).toEqual([
      500,
      { error: { code: 'INTERNAL', message: CATALOGUE.INTERNAL.sentence, facts: {} } },
    ]);
    expect(text).not.toContain('4711');
  });
});
