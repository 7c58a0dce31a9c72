import { APP_INTERCEPTOR } from '@nestjs/core';
import { Fault, type Digest, type RunId, type StudyName } from '@consilium/stdx';
import { throwError } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../app.module.js';
import { MemoryTables } from '../adapters/memory/stores.js';
import { TestApi, type Answer, type Told } from '../fixtures/api.fixture.js';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { alpha, gamma, governance, planOf } from '../fixtures/plan.fixture.js';
import { EnrolmentsController } from '../http/enrolments-controller.js';
import { LedgerController } from '../http/ledger-controller.js';
import { RunsController } from '../http/runs-controller.js';
import { AccessTokens } from './access-tokens.js';
import { ruleOf, type Rule } from './allow.js';
import { HTTP_TABLE, readTable } from './permissions.fixture.js';
import { newPersonId, type PersonId } from './person-id.js';
import { ROLES, type Grant, type Role } from './roles.js';

/** Ours is what the bound roles are bound to; theirs is another study at another site. */
const OBJECTS = {
  own: { study: 'trial', site: alpha, plan: 'a'.repeat(64), run: 'run-0000000own', model: 'c'.repeat(64) },
  theirs: { study: 'other', site: gamma, plan: 'b'.repeat(64), run: 'run-000000other', model: 'd'.repeat(64) },
} as const;
type Whose = keyof typeof OBJECTS;
type Kind = keyof (typeof OBJECTS)['own'];

const GRANTS: Record<Role, Grant> = {
  admin: { role: 'admin' },
  coordinator: { role: 'coordinator' },
  auditor: { role: 'auditor' },
  researcher: { role: 'researcher', study: 'trial' as StudyName },
  'site-operator': { role: 'site-operator', site: alpha },
  'data-protection-officer': { role: 'data-protection-officer', site: alpha },
};

/** Whatever else stands in a path. */
const SAMPLES: Record<string, string> = {
  person: 'person-0123456789',
  site: 'alpha',
  name: 'alpha',
  digest: 'e'.repeat(64),
  shard: '2026',
  path: 'entries/000',
};

const table = readTable(HTTP_TABLE);
const tables = new MemoryTables();
let api: TestApi;
/** Stops before the route's own work, but after the guard: nothing is revoked or erased by looking. */
let stopped = true;
const stop = {
  intercept: (_: unknown, next: { handle: () => unknown }) =>
    stopped ? throwError(() => new Fault('CANCELLED', { reached: true })) : next.handle(),
};

beforeAll(async () => {
  api = await TestApi.open({ tables, providers: [{ provide: APP_INTERCEPTOR, useValue: stop }] });
  for (const whose of ['own', 'theirs'] as const) await found(whose);
});
afterAll(() => api.hub.close());

/** A study with a plan, a run that was cancelled, and a model. */
async function found(whose: Whose): Promise<void> {
  const { studies, runs, registry, sites } = api.hub.resources;
  const { study, site, plan, run, model } = OBJECTS[whose];
  const { record } = planOf({ sites: [site] });
  const digest = plan as Digest;
  const document = JSON.stringify({ ...(JSON.parse(record.document) as object), study });
  const terms = { ...governance(), sites: [site] };
  const name = study as StudyName;
  await sites.seen({ name: site, software: 'test', lastSeenMs: 1 });
  await studies.create({ name, title: 'T', purpose: 'P', terms, document: digest, createdMs: 1 });
  await studies.createPlan({ ...record, digest, study: name, document });
  const started = {
    ...{ id: run as RunId, planDigest: digest, modelDigest: model as Digest, standings: {} },
    ...{ deadlineMs: null, createdMs: 1, endedMs: 2 },
  };
  tables.runs.set(run as RunId, { ...started, revision: 1, state: { phase: 'cancelled' } });
  const manifest = { tensors: [], size: 0 };
  const version = { run: run as RunId, digest: model as Digest, planDigest: digest, round: 1, manifest, metrics: [] };
  tables.versions.set(run as RunId, { ...version, rounds: [], createdMs: 1 });
  expect([await runs.find(run as RunId), await registry.find(model as Digest)]).not.toContain(undefined);
}

const people = new Map<string, PersonId>();
/** Somebody's token; one person for each role, or one without any. */
async function tokenOf(role: Role | 'none', ageMs = 0): Promise<string> {
  const { store, keys } = api.hub.resources.people;
  const { clock } = api.hub.resources;
  const id = people.get(role) ?? newPersonId();
  if (!people.has(role)) {
    const grants = role === 'none' ? [] : [GRANTS[role]];
    await store.create({ id, name: role, login: role, subject: null, grants, createdMs: 1, disabledMs: null });
    people.set(role, id);
  }
  return new AccessTokens(keys.accessToken, 'demo', clock).issue(id, [], clock.now() - ageMs);
}

/** Asks for a route about our or their object; answers the code of the guard, or `in` where it let through. */
async function knock(route: string, kind: string, whose: Whose, token: string | null): Promise<string> {
  const [method, path] = route.split(' ') as [string, string];
  const inBody = kind.startsWith('body:');
  const about = kind.replace('body:', '') as Kind;
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_, parameter: string) =>
    about in OBJECTS.own && !inBody ? OBJECTS[whose][about] : SAMPLES[parameter]!,
  );
  const body = inBody ? { planDigest: OBJECTS[whose][about] } : {};
  const { json, status } = await api.ask(filled, { method, token, ...(method !== 'GET' && { body }) });
  const code = json['error']?.['code'];
  return String(code) === 'CANCELLED' ? 'in' : String(code ?? status);
}

/** The routes as the coordinator itself tells them. */
async function served(): Promise<string[]> {
  const { json } = await api.ask('/docs-json', { token: null });
  return Object.entries<Told>(json['paths']!).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

const expected = (right: string, whose: Whose): string =>
  right === 'all' || (right === 'own' && whose === 'own') ? 'in' : 'ACCESS_DENIED';

describe('the table of permissions', () => {
  it('has a row for each route that is served, and for no other', async () => {
    const routes = await served();
    expect([...table.keys()].sort()).toEqual(routes.sort());
    expect(routes.length).toBeGreaterThan(45);
  });

  it('misses no route that the documentation hides, and each has a rule', () => {
    const handlers = (AppModule.of(api.hub.resources).controllers ?? []).flatMap(({ prototype }) =>
      Object.getOwnPropertyNames(prototype)
        .filter((name) => name !== 'constructor')
        .map((name) => (prototype as Record<string, object>)[name]!)
        .filter((handler) => Reflect.hasMetadata('path', handler)),
    );
    expect(handlers).toHaveLength(table.size);
    expect(handlers.filter((handler) => ruleOf(handler) === undefined)).toEqual([]);
  });

  it('has a decision in each cell', () => {
    for (const [route, row] of table)
      if (row['admin'] !== 'open')
        for (const role of ROLES) expect(['all', 'own', '–'], `${route}: ${role}`).toContain(row[role]);
  });

  it('gives what is bound to a study or site to bound roles only, and says of what', () => {
    for (const [route, row] of table)
      for (const role of ['admin', 'coordinator', 'auditor'] as const)
        expect(row[role], `${route}: ${role}`).not.toBe('own');
    for (const [route, row] of table) if (Object.values(row).includes('own')) expect(row['object'], route).not.toBe('');
  });
});

/** Tries every role on our and their object of each route, and answers what was not as the table says. */
async function compare(routes: Iterable<string>): Promise<{ tried: number; wrong: string[] }> {
  const wrong: string[] = [];
  let tried = 0;
  const check = (what: string, came: string, wanted: string): void => {
    tried++;
    if (came !== wanted) wrong.push(`${what}: expected ${wanted}, came ${came}`);
  };
  for (const route of routes) {
    const row = table.get(route)!;
    const kind = row['object']!.startsWith('list:') ? '' : row['object']!;
    const open = row['admin'] === 'open';
    for (const whose of ['own', 'theirs'] as const) {
      check(`${route} nobody ${whose}`, await knock(route, kind, whose, null), open ? 'in' : 'TOKEN_MISSING');
      if (open) continue;
      check(`${route} no role ${whose}`, await knock(route, kind, whose, await tokenOf('none')), 'ACCOUNT_UNKNOWN');
      for (const role of ROLES) {
        // A list is open to whoever sees part of it.
        const right = kind === '' && row[role] === 'own' ? 'all' : row[role]!;
        const wanted = expected(right, whose);
        check(`${route} ${role} ${whose}`, await knock(route, kind, whose, await tokenOf(role)), wanted);
        const stale = row['step-up'] === 'yes' && wanted === 'in' ? 'STEP_UP_REQUIRED' : wanted;
        const old = await tokenOf(role, 6 * 60_000);
        check(`${route} ${role} ${whose}, proved long ago`, await knock(route, kind, whose, old), stale);
      }
      const machine = [row['admin']!, row['coordinator']!].includes('all') ? 'in' : 'ACCESS_DENIED';
      check(`${route} machine ${whose}`, await knock(route, kind, whose, TOKEN), machine);
    }
  }
  return { tried, wrong };
}

describe('every route × every role × our and their object', () => {
  it('answers as the table says', async () => {
    const { tried, wrong } = await compare(table.keys());
    expect(wrong).toEqual([]);
    process.stdout.write(`permissions: ${table.size} HTTP routes, ${tried} combinations\n`);
    expect(tried).toBeGreaterThan(1_000);
  });

  const show = RunsController.prototype.show;
  const admit = EnrolmentsController.prototype.admit;
  it.each<[string, string, object, Rule | 'open' | undefined]>([
    ['a right too many', 'GET /api/v1/ledger', LedgerController.prototype.shards, { roles: [...ROLES] }],
    ['a right too few', 'GET /api/v1/runs/{id}', show, { roles: ['admin'], object: 'run' }],
    ['an object that is not looked at', 'GET /api/v1/runs/{id}', show, { roles: ROLES }],
    ['no step-up', 'POST /api/v1/sites/enrolments/{site}/admit', admit, { roles: ['admin'] }],
    ['an open door', 'GET /api/v1/runs/{id}', show, 'open'],
    ['no rule at all', 'GET /api/v1/runs/{id}', show, undefined],
  ])('would have noticed %s (the control)', async (_, route, handler, wrongRule) => {
    const right = ruleOf(handler);
    Reflect.defineMetadata('consilium:rule', wrongRule, handler);
    try {
      expect((await compare([route])).wrong).not.toEqual([]);
    } finally {
      Reflect.defineMetadata('consilium:rule', right, handler);
    }
    expect((await compare([route])).wrong).toEqual([]);
  });
});

describe('every list × every role', () => {
  const lists = [...table].filter(([, row]) => row['object']!.startsWith('list:'));
  const idOf: Record<string, (item: Told) => unknown> = {
    site: (item) => item['name'],
    study: (item) => item['name'],
    run: (item) => item['id'],
    model: (item) => item['digest'],
  };

  it.each(lists)('%s shows what its reader may see', async (route, row) => {
    stopped = false;
    try {
      const kind = row['object']!.replace('list:', '') as Kind;
      for (const role of ROLES) {
        const answer: Answer = await api.ask(route.split(' ')[1]!, { token: await tokenOf(role) });
        const [items] = Object.values(answer.json) as unknown as [readonly Told[]];
        const shown = items.map(idOf[kind]!);
        const sees = (whose: Whose): boolean => shown.includes(OBJECTS[whose][kind]);
        // Nobody is bound to a site by a study, so a researcher's list of sites is empty.
        const own = row[role] === 'all' || (row[role] === 'own' && !(kind === 'site' && role === 'researcher'));
        expect([role, sees('own'), sees('theirs')]).toEqual([role, own, row[role] === 'all']);
      }
    } finally {
      stopped = true;
    }
  });
});
