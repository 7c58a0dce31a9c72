// Stands for the coordinator in tests of `consilium up`: its HTTP API, with runs that go on by themselves and survive
// a restart in one file. FAKE_ROUND_MS is how long a round takes.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';

const settings = process.argv[process.argv.indexOf('--settings') + 1];
const port = Number(/http:\n(?: {2}.*\n)*? {2}port: (\d+)/.exec(readFileSync(settings, 'utf8'))[1]);
const state = join(dirname(settings), 'state');
const file = join(state, 'all.json');
const { FAKE_ROUND_MS = '20', FAKE_FAIL = '', FAKE_END = 'finished' } = process.env;
if (FAKE_FAIL.startsWith('coordinator:')) {
  console.error(`consilium: ${FAKE_FAIL.split(':')[1]}: a sentence`);
  process.exit(1);
}

mkdirSync(state, { recursive: true });
writeFileSync(join(state, 'api-token'), 'token\n', { mode: 0o600 });
const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { plans: {}, runs: [] };
const keep = () => writeFileSync(file, JSON.stringify(all));

const desk = join(state, 'desk');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const payloadOf = (envelope) => Buffer.from(JSON.parse(envelope).payload, 'base64');
const roster = () =>
  all.roster ? Buffer.from(all.roster, 'base64') : readFileSync(join(state, '..', 'identity', 'roster.json'));

/** The draft with the keys of the roster in it. */
function complete(draft) {
  const { version, coordinator, sites } = JSON.parse(payloadOf(roster()));
  const keys = Object.fromEntries(
    sites.filter(({ name }) => draft.sites.includes(name)).map(({ name, signing }) => [name, signing]),
  );
  return {
    ...draft,
    roster: { version, digest: sha256(roster()), coordinator: coordinator.signing, sites: keys },
  };
}

function detailOf(digest) {
  const envelope = all.plans[digest];
  if (!envelope) return undefined;
  const bytes = Buffer.from(envelope, 'base64');
  const plan = JSON.parse(payloadOf(bytes));
  const refusal = JSON.parse(bytes).signatures.length < 2 ? 'PLAN_NOT_SIGNED' : null;
  return { digest, study: plan.study, createdMs: 1, plan, envelope, signers: [], refusal };
}

function keepPlan({ envelope }) {
  const digest = sha256(payloadOf(Buffer.from(envelope, 'base64')));
  all.plans[digest] = envelope;
  keep();
  return detailOf(digest);
}

function admit(name, body) {
  all.roster = body.roster;
  keep();
  rmSync(join(desk, `${name}.json`));
  writeFileSync(join(desk, `${name}.admitted`), '');
  return { site: name, standing: 'enrolled' };
}

const waiting = () =>
  (existsSync(desk) ? readdirSync(desk) : [])
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(desk, name), 'utf8')));

const model = Buffer.from('a model');
const modelDigest = sha256(model);
const about = (value) => ({ value, low: value, high: value });
const metrics = {
  ...{ loss: about(1), auc: about(0.8), accuracy: null, sensitivity: null, specificity: null },
  brier: null,
  examples: 250,
};

function goOn() {
  for (const run of all.runs) {
    if (run.state === 'approval') {
      run.sites.forEach((site) => (site.decision = 'approved'));
      Object.assign(run, { state: 'training', round: 1, attempt: 1 });
    } else if (run.state === 'training') {
      const at = Date.now();
      const contributors = run.sites.map((site) => site.name);
      run.sites.forEach((site) =>
        Object.assign(site, { bytesUp: site.bytesUp + 1000, bytesDown: site.bytesDown + 1000, examples: 100 }),
      );
      run.history.push({
        round: run.round,
        attempt: 1,
        outcome: 'published',
        reason: null,
        contributors,
        loss: 0.5,
        auc: 0.7,
        modelDigest,
        startedMs: at - 10,
        endedMs: at,
      });
      if (run.round < run.rounds) run.round += 1;
      else run.state = 'evaluation';
    } else if (run.state === 'evaluation') {
      run.sites.forEach((site) => (site.metrics = metrics));
      Object.assign(
        run,
        FAKE_END === 'finished' ? { state: 'finished', modelDigest } : { state: 'failed', code: FAKE_END },
        { endedMs: Date.now() },
      );
    }
  }
  keep();
}
setInterval(goOn, Number(FAKE_ROUND_MS));

const site = (name) => ({
  ...{ name, connected: true, decision: 'pending', step: 0, steps: 10, loss: null, examples: null },
  ...{ bytesUp: 0, bytesDown: 0, dropped: null, metrics: null },
});

function answerTo(method, path, body) {
  const [, verb] = /^\/runs\/[^/]+\/(\w+)$/.exec(path) ?? [];
  const run = all.runs.find(({ id }) => path.startsWith(`/runs/${id}`));
  if (method === 'POST' && path === '/studies') return { ...body, createdMs: 1 };
  if (path === '/sites/invites') return { token: 'consilium-join.x', id: 'token-0', site: body.site, expiresMs: 1 };
  if (path === '/sites/enrolments') return { enrolments: waiting() };
  const [, admitted] = /^\/sites\/enrolments\/([^/]+)\/admit$/.exec(path) ?? [];
  if (admitted) return admit(admitted, body);
  if (path === '/roster') return { document: roster().toString('base64') };
  if (path.endsWith('/plans/complete')) return { digest: '', plan: complete(body) };
  if (method === 'POST' && /\/(plans|signatures)$/.test(path)) return keepPlan(body);
  if (path.startsWith('/plans/')) return detailOf(path.slice('/plans/'.length));
  if (path === '/runs' && method === 'GET') return { runs: all.runs };
  if (path === '/runs') {
    const { plan } = detailOf(body.planDigest);
    const started = {
      ...{
        id: `run-${String(all.runs.length).padStart(10, '0')}`,
        study: plan.study,
        planDigest: body.planDigest,
        state: 'approval',
      },
      ...{ code: null, createdMs: Date.now(), endedMs: null, round: 0, rounds: plan.rounds.count, attempt: 0 },
      ...{ sites: plan.sites.map(site), history: [], modelDigest: null },
    };
    all.runs.push(started);
    keep();
    return started;
  }
  if (verb === 'pause' || verb === 'resume') {
    run.state = verb === 'pause' ? 'paused' : 'training';
    keep();
  }
  if (run) return run;
  return {
    digest: modelDigest,
    planDigest: 'p',
    run: 'r',
    round: 1,
    createdMs: 1,
    manifest: {},
    metrics: [],
    rounds: [],
  };
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const path = request.url.replace('/api/v1', '');
  if (request.headers.authorization !== 'Bearer token') return response.writeHead(401).end('{}');
  if (path.endsWith('/weights')) return response.end(model);
  if (!path.endsWith('/events')) {
    const answer = answerTo(request.method, path, chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined);
    if (answer === undefined) return response.writeHead(404).end('{}');
    return response.end(JSON.stringify(answer));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const tell = () => {
    const run = answerTo('GET', path.replace('/events', ''));
    response.write(`event: run\ndata: ${JSON.stringify(run)}\n\n`);
    if (['finished', 'failed', 'cancelled'].includes(run.state)) response.end(() => clearInterval(telling));
  };
  const telling = setInterval(tell, 10);
  response.on('close', () => clearInterval(telling));
  tell();
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
server.listen(port, '127.0.0.1', () => process.send({ ready: true, http: port }));
