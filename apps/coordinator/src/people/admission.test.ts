import { Controller, Get, Param, Post } from '@nestjs/common';
import type { StudyName } from '@consilium/stdx';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../fixtures/api.fixture.js';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { Allow, Open, Person, ruleOf } from './allow.js';
import { STEP_UP_MS } from './admission.js';
import type { Caller } from './caller.js';
import { Scene } from './scene.fixture.js';

/** One route of each kind. */
class ProbeController {
  open(): object {
    return { told: true };
  }
  forgotten(): object {
    return { told: true };
  }
  admins({ person }: Caller): object {
    return { person };
  }
  echo(name: string): object {
    return { name };
  }
  site(name: string): object {
    return { name };
  }
  start(): object {
    return { started: true };
  }
  approve(): object {
    return { approved: true };
  }
}
// Decorators by hand, since a test's syntax knows none.
const probe = ProbeController.prototype;
const decorate = (name: keyof ProbeController, ...decorators: MethodDecorator[]): void =>
  decorators.forEach((one) => one(probe, name, Object.getOwnPropertyDescriptor(probe, name)!));
Controller('probe')(ProbeController);
decorate('open', Get('open'), Open());
decorate('forgotten', Get('forgotten'));
decorate('admins', Get('admins'), Allow({ roles: ['admin'] }));
Person()(probe, 'admins', 0);
decorate(
  'echo',
  Get('studies/:name'),
  Allow({ roles: ['coordinator', 'researcher', 'site-operator'], object: 'study' }),
);
Param('name')(probe, 'echo', 0);
decorate(
  'site',
  Get('sites/:site/data'),
  Allow({ roles: ['admin', 'data-protection-officer'], object: 'site', at: 'site' }),
);
Param('site')(probe, 'site', 0);
decorate('start', Post('start'), Allow({ roles: ['coordinator', 'researcher'], object: 'plan', at: 'planDigest' }));
decorate('approve', Post('approve'), Allow({ roles: ['admin'], stepUp: true }));

const trial = 'trial' as StudyName;
const other = 'other' as StudyName;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open({ controllers: [ProbeController] });
  for (const study of [trial, other]) {
    const { record } = planOf();
    scene.tables.studies.set(study, { name: study, title: 'T', purpose: 'P', createdMs: 1 } as never);
    const document = JSON.stringify({
      ...JSON.parse(record.document),
      study,
      sites: study === trial ? [alpha] : [beta],
    });
    scene.tables.plans.set(DIGESTS[study]!, { ...record, digest: DIGESTS[study]!, study, document } as never);
  }
});
afterAll(() => scene.close());
afterEach(() => void (scene.ledger.events.length = 0));

const DIGESTS: Record<string, never> = { trial: 'a'.repeat(64) as never, other: 'b'.repeat(64) as never };

const get = (path: string, token: string | null = null): Promise<Answer> => scene.ask(`/probe/${path}`, { token });
const codeOf = ({ status, json }: Answer): unknown => (status < 300 ? status : json['error']?.['code']);

describe('a route', () => {
  it('without a rule is closed to everybody, the machine too', async () => {
    expect(codeOf(await get('forgotten'))).toBe('TOKEN_MISSING');
    expect(codeOf(await get('forgotten', TOKEN))).toBe('ACCESS_DENIED');
    expect(codeOf(await get('forgotten', await scene.token({ role: 'admin' })))).toBe('ACCESS_DENIED');
    expect(ruleOf(ProbeController.prototype.forgotten)).toBeUndefined();
  });

  it('that is open needs no token, and does not look at a wrong one', async () => {
    expect(codeOf(await get('open'))).toBe(200);
    expect(codeOf(await get('open', 'wrong'))).toBe(200);
  });

  it('lets in whoever has one of its roles, and tells it who calls', async () => {
    const person = await scene.person({ role: 'auditor' }, { role: 'admin' });
    expect((await get('admins', await scene.tokenOf(person))).json).toEqual({ person });
    const { status, headers } = await get('admins', await scene.token({ role: 'auditor' }));
    expect([status, headers.get('www-authenticate')]).toEqual([403, 'Bearer error="insufficient_scope"']);
  });

  it('is closed to somebody without any role, in other words', async () => {
    const person = await scene.person();
    const { json } = await get('admins', await scene.tokenOf(person));
    expect(json).toMatchObject({ error: { code: 'ACCOUNT_UNKNOWN', facts: { person } } });
    expect(scene.told).toEqual(['denied ACCOUNT_UNKNOWN']);
  });

  it.each([null, '', 'x', 'a b', `${TOKEN}x`, TOKEN.slice(1), 'a.b.c', `Basic ${TOKEN}`])(
    'is closed with the token %j',
    async (token) => {
      expect((await get('admins', token)).status).toBe(401);
    },
  );
});

describe('a role that is bound', () => {
  it('to studies reaches its own, and cannot tell others from none', async () => {
    const token = await scene.token({ role: 'researcher', study: trial });
    expect(codeOf(await get('studies/trial', token))).toBe(200);
    const [foreign, none] = [await get('studies/other', token), await get('studies/none', token)];
    expect(codeOf(foreign)).toBe('ACCESS_DENIED');
    expect(foreign.text).toBe(none.text);
  });

  it('to a site reaches what the site takes part in', async () => {
    const token = await scene.token({ role: 'site-operator', site: alpha });
    expect(codeOf(await get('studies/trial', token))).toBe(200);
    expect(codeOf(await get('studies/other', token))).toBe('ACCESS_DENIED');
  });

  it('to a site reaches that site where a route is about one', async () => {
    const token = await scene.token({ role: 'data-protection-officer', site: beta });
    expect(codeOf(await get(`sites/${beta}/data`, token))).toBe(200);
    expect(codeOf(await get(`sites/${alpha}/data`, token))).toBe('ACCESS_DENIED');
  });

  it('reaches an object that the body names, where the path names none', async () => {
    const token = await scene.token({ role: 'researcher', study: trial });
    const start = (body: unknown): Promise<Answer> => scene.ask('/probe/start', { token, body });
    expect(codeOf(await start({ planDigest: DIGESTS['trial'] }))).toBe(201);
    const odd = [{ planDigest: DIGESTS['other'] }, {}, [], { planDigest: [DIGESTS['trial']] }, { planDigest: 'x\0y' }];
    for (const body of odd) expect(codeOf(await start(body)), JSON.stringify(body)).toBe('ACCESS_DENIED');
  });

  it('of two roles each reaches its own: an operator of one site is no officer of another', async () => {
    const token = await scene.token(
      { role: 'site-operator', site: alpha },
      { role: 'data-protection-officer', site: beta },
    );
    expect(codeOf(await get(`sites/${alpha}/data`, token))).toBe('ACCESS_DENIED');
    expect(codeOf(await get(`sites/${beta}/data`, token))).toBe(200);
    expect(codeOf(await get('studies/other', token))).toBe('ACCESS_DENIED');
  });

  it('beside one that is not leaves the wider one as it is', async () => {
    const token = await scene.token({ role: 'researcher', study: trial }, { role: 'coordinator' });
    for (const name of ['trial', 'other', 'none']) expect(codeOf(await get(`studies/${name}`, token))).toBe(200);
  });

  it('is never reached by a path that hides another name in it', async () => {
    const token = await scene.token({ role: 'researcher', study: trial });
    for (const name of ['trial%00', '%74rial%2f..%2fother', 'TRIAL', '__proto__', 'constructor'])
      expect(codeOf(await get(`studies/${name}`, token)), name).toBe('ACCESS_DENIED');
  });
});

describe('a step-up', () => {
  const approve = (token: string): Promise<Answer> => scene.ask('/probe/approve', { method: 'POST', token });

  it('needs a proof that is at most five minutes old', async () => {
    const person = await scene.person({ role: 'admin' });
    const aged = async (ageMs: number): Promise<Answer> =>
      approve(await scene.tokenOf(person, scene.clock.now() - ageMs));
    expect(codeOf(await aged(0))).toBe(201);
    expect(codeOf(await aged(STEP_UP_MS))).toBe(201);
    const { status, headers, json } = await aged(STEP_UP_MS + 1_000);
    expect([status, json['error']?.['code']]).toEqual([401, 'STEP_UP_REQUIRED']);
    expect(headers.get('www-authenticate')).toBe('Bearer error="insufficient_user_authentication", max_age="300"');
  });

  it('does not count a proof of the future, as after a clock that was set back', async () => {
    const person = await scene.person({ role: 'admin' });
    expect(codeOf(await approve(await scene.tokenOf(person, scene.clock.now() + 3_600_000)))).toBe('STEP_UP_REQUIRED');
  });

  it('is not what makes a role: who has none is refused first', async () => {
    const person = await scene.person({ role: 'auditor' });
    expect(codeOf(await approve(await scene.tokenOf(person, 0)))).toBe('ACCESS_DENIED');
  });

  it('is not asked of the machine, which cannot prove more than it has', async () => {
    scene.clock.advance(3_600_000);
    expect(codeOf(await approve(TOKEN))).toBe(201);
  });
});

describe('the machine’s token', () => {
  it('is an admin and a coordinator, and nothing else; its first use is written down', async () => {
    const machine = await Scene.open();
    for (let i = 0; i < 2; i++) {
      const { json } = await machine.ask('/api/v1/whoami');
      expect(json).toMatchObject({ person: 'person-machine000', grants: [{ role: 'admin' }, { role: 'coordinator' }] });
    }
    expect(machine.told).toEqual(['login machine']);
    await machine.close();
  });

  it('opens nothing while its use cannot be written down', async () => {
    const machine = await Scene.open();
    const { record } = machine.ledger;
    machine.ledger.record = () => Promise.reject(new Error('the disk is full'));
    expect((await machine.ask('/api/v1/whoami')).status).toBe(500);
    machine.ledger.record = record;
    expect((await machine.ask('/api/v1/whoami')).status).toBe(200);
    await machine.close();
  });

  it('can be turned off', async () => {
    const off = await Scene.open({ machineToken: undefined });
    expect(codeOf(await off.ask('/api/v1/whoami', { token: TOKEN }))).toBe('TOKEN_MISSING');
    await off.close();
  });
});
