import { Fault, ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.js';
import {
  answer,
  fixtureCoordinator,
  modelOf,
  refuse,
  TOKEN,
  type FixtureCoordinator,
} from '../testing/coordinator.fixture.js';
import { PLAN_DIGEST, runOf } from '../testing/run.fixture.js';
import { Coordinator } from './coordinator.js';

const DETAIL = {
  ...{ digest: PLAN_DIGEST, study: 'lung-nodule', createdMs: 1, plan: {}, envelope: 'AQI=' },
  ...{ signers: [{ person: 'person-0123456789', roles: ['proposer'] }], refusal: 'PLAN_NOT_SIGNED' },
};

let fixture: FixtureCoordinator;
let coordinator: Coordinator;

beforeEach(async () => {
  fixture = await fixtureCoordinator();
  coordinator = new Coordinator({ url: fixture.url, token: TOKEN }, systemClock);
});
afterEach(() => fixture.close());

/** The code and facts with which a call failed. */
const failure = async (work: Promise<unknown>): Promise<Fault> => {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Fault);
  return outcome as Fault;
};

describe('the coordinator’s API', () => {
  it('is asked below /api/v1 with the bearer token', async () => {
    expect(await coordinator.sites()).toEqual([]);
    expect(fixture.calls).toEqual(['GET /api/v1/sites']);
  });

  it('takes studies, plans and runs', async () => {
    const study = {
      ...{ name: 'lung-nodule', title: 'Nodules', purpose: 'To find them', sites: ['hospital-a'] },
      ...{ legalBasis: 'national-law' as const, jurisdictions: ['DE'] },
      ethics: { number: '1', authority: 'A board', expires: '2099-12-31' },
      dataContract: { modality: 'OT' as const, minPatients: 10, deidentified: true as const },
    };
    const draft = { schema: 'consilium.plan/1' };
    fixture.answers.set('POST /api/v1/studies/lung-nodule/plans/complete', (_, response) =>
      answer(response, { digest: PLAN_DIGEST, plan: { ...draft, completed: true } }),
    );
    for (const path of ['studies/lung-nodule/plans', `plans/${PLAN_DIGEST}/signatures`])
      fixture.answers.set(`POST /api/v1/${path}`, (_, response) => answer(response, DETAIL, 201));

    await coordinator.createStudy(study);
    expect((await coordinator.completePlan('lung-nodule', draft)).plan).toEqual({ ...draft, completed: true });
    const { digest } = await coordinator.proposePlan('lung-nodule', new Uint8Array([1, 2]));
    expect(await coordinator.signPlan(digest, new Uint8Array([3]))).toEqual(DETAIL);
    expect((await coordinator.startRun(digest)).state).toBe('approval');
    expect(fixture.calls).toEqual([
      'POST /api/v1/studies',
      'POST /api/v1/studies/lung-nodule/plans/complete',
      'POST /api/v1/studies/lung-nodule/plans',
      `POST /api/v1/plans/${PLAN_DIGEST}/signatures`,
      'POST /api/v1/runs',
    ]);
    const bodies = [study, draft, { envelope: 'AQI=' }, { envelope: 'Aw==' }, { planDigest: digest }];
    expect(fixture.bodies).toEqual(bodies);
  });

  it('invites, admits and shuts out sites, and hands over rosters as the documents that were signed', async () => {
    const invite = { token: 'consilium-join.x', id: 'token-0', site: 'hospital-a', expiresMs: 9 };
    const waiting = { site: 'hospital-a', kind: 'join', signing: 'AAAA', jurisdiction: 'DE', askedMs: 1 };
    const decided = (standing: string) => ({ site: 'hospital-a', standing });
    for (const [call, told] of [
      ['POST /api/v1/sites/invites', invite],
      ['GET /api/v1/sites/enrolments', { enrolments: [waiting] }],
      ['POST /api/v1/sites/enrolments/hospital-a/admit', decided('enrolled')],
      ['POST /api/v1/sites/enrolments/hospital-a/refuse', decided('refused')],
      ['POST /api/v1/sites/hospital-a/revoke', decided('revoked')],
      ['GET /api/v1/roster', { document: 'AQI=' }],
      ['PUT /api/v1/roster', { document: 'Aw==' }],
    ] as const)
      fixture.answers.set(call, (_, response) => answer(response, told));

    expect(await coordinator.invite({ site: 'hospital-a', jurisdiction: 'DE' })).toEqual(invite);
    expect(await coordinator.enrolments()).toEqual([waiting]);
    expect(await coordinator.admit('hospital-a', new Uint8Array([1, 2]))).toEqual(decided('enrolled'));
    expect(await coordinator.refuseSite('hospital-a')).toEqual(decided('refused'));
    expect(await coordinator.revokeSite('hospital-a')).toEqual(decided('revoked'));
    expect(await coordinator.roster()).toEqual(new Uint8Array([1, 2]));
    await coordinator.installRoster(new Uint8Array([3]));
    expect(fixture.bodies).toEqual([
      { site: 'hospital-a', jurisdiction: 'DE' },
      { roster: 'AQI=' },
      { roster: 'Aw==' },
    ]);
  });

  it('filters runs by state and study', async () => {
    await coordinator.runs({ state: 'finished', study: 'a' });
    await coordinator.runs({});
    expect(fixture.calls).toEqual(['GET /api/v1/runs?state=finished&study=a', 'GET /api/v1/runs']);
  });

  it.each(['pause', 'resume', 'cancel'] as const)('can %s a run', async (verb) => {
    fixture.runs = [runOf()];
    await coordinator.changeRun(runOf().id, verb);
    expect(fixture.calls).toEqual([`POST /api/v1/runs/${runOf().id}/${verb}`]);
  });

  it('gives a model’s bytes as they are', async () => {
    const model = modelOf(new Uint8Array([1, 2, 3]));
    fixture.models = [model];
    const parts: Uint8Array[] = [];
    for await (const part of await coordinator.weights(model.digest)) parts.push(part);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(model.bytes));
  });

  it('does not let a name break out of its place in the address', async () => {
    await failure(coordinator.study('../runs?x='));
    expect(fixture.calls).toEqual(['GET /api/v1/studies/..%2Fruns%3Fx%3D']);
  });

  it('reads what it knows of an answer and ignores what it does not', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) =>
      answer(response, {
        sites: [{ name: 'a', connected: true, lastSeenMs: 5, software: 'x', colour: 'red' }],
        more: 1,
      }),
    );
    expect(await coordinator.sites()).toEqual([
      {
        ...{ name: 'a', connected: true, lastSeenMs: 5, software: 'x' },
        ...{ standing: 'enrolled', jurisdiction: null, certificateEndsMs: null },
      },
    ]);
  });
});

describe('a failed call', () => {
  it('has the coordinator’s own code and facts', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) => refuse(response, 'RUN_TRANSITION_REFUSED', { round: 3 }));
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'RUN_TRANSITION_REFUSED', facts: { round: 3 } });
  });

  it('is TOKEN_MISSING with a wrong token', async () => {
    const stranger = new Coordinator({ url: fixture.url, token: 'wrong' }, systemClock);
    expect(await failure(stranger.sites())).toMatchObject({ code: 'TOKEN_MISSING' });
  });

  it.each([
    [401, 'TOKEN_MISSING'],
    [403, 'TOKEN_MISSING'],
    [404, 'NOT_FOUND'],
    [418, 'REQUEST_INVALID'],
    [429, 'OVERLOADED'],
    [502, 'UNAVAILABLE'],
    [504, 'TIMEOUT'],
  ] as const)('with status %i of somebody else, such as a proxy, is %s', async (status, code) => {
    fixture.answers.set(
      'GET /api/v1/sites',
      (_, response) => void response.writeHead(status).end('<html>sorry</html>'),
    );
    expect(await failure(coordinator.sites())).toMatchObject({ code, facts: { status } });
  });

  it('does not believe a code that is not in the catalogue', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) =>
      answer(response, { error: { code: 'toString', message: 'x' } }, 400),
    );
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'REQUEST_INVALID', facts: { status: 400 } });
  });

  it('is UNAVAILABLE when nobody listens', async () => {
    await fixture.close();
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'UNAVAILABLE' });
    fixture = await fixtureCoordinator();
  });

  it('is UNAVAILABLE when the answer breaks off', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    });
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is MESSAGE_MALFORMED when the answer is not JSON, or not of the expected form', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) => void response.writeHead(200).end('hello'));
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'MESSAGE_MALFORMED' });
    fixture.answers.set('GET /api/v1/sites', (_, response) => answer(response, { sites: [{ name: 7 }] }));
    expect(await failure(coordinator.sites())).toMatchObject({
      code: 'MESSAGE_MALFORMED',
      facts: { path: 'sites.0.name' },
    });
  });

  it('is MESSAGE_MALFORMED when the answer is announced larger than any of ours', async () => {
    fixture.answers.set(
      'GET /api/v1/sites',
      (_, response) => void response.writeHead(200, { 'content-length': String(1024 ** 4) }).flushHeaders(),
    );
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'MESSAGE_MALFORMED' });
  });

  it('is TIMEOUT after fifteen seconds of the clock', async () => {
    const clock = new ManualClock();
    fixture.answers.set('GET /api/v1/sites', () => clock.advance(15_000));
    expect(await failure(new Coordinator({ url: fixture.url, token: TOKEN }, clock).sites())).toMatchObject({
      code: 'TIMEOUT',
    });
  });

  it('is CANCELLED when the caller stops', async () => {
    const stop = new AbortController();
    fixture.answers.set('GET /api/v1/sites', () => stop.abort());
    expect(
      await failure(new Coordinator({ url: fixture.url, token: TOKEN }, systemClock, stop.signal).sites()),
    ).toMatchObject({ code: 'CANCELLED' });
  });

  it('does not follow a redirect, which could carry the token to another place', async () => {
    const elsewhere = await fixtureCoordinator();
    fixture.answers.set(
      'GET /api/v1/sites',
      (_, response) => void response.writeHead(302, { location: `${elsewhere.url}/api/v1/sites` }).end(),
    );
    expect(await failure(coordinator.sites())).toMatchObject({ code: 'UNAVAILABLE' });
    expect(elsewhere.calls).toEqual([]);
    await elsewhere.close();
  });

  it('never has the token in its message', async () => {
    fixture.answers.set('GET /api/v1/sites', (_, response) => void response.writeHead(500).end());
    const fault = await failure(coordinator.sites());
    expect(`${fault.message} ${JSON.stringify(fault.facts)}`).not.toContain(TOKEN);
  });
});
