import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { manifestOf } from '@consilium/model';
import type { SiteName } from '@consilium/stdx';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bottleneck } from './fixtures/bottleneck.fixture.js';
import { enrol } from './fixtures/enrol.fixture.js';
import { Federation } from './fixtures/federation.fixture.js';
import { startRun } from './fixtures/hub.fixture.js';
import { alpha, beta, planJson, planOf } from './fixtures/plan.fixture.js';
import { createDatabase, SERVER_URL } from './fixtures/postgres.fixture.js';
import { Home, Program } from './fixtures/program.fixture.js';
import { FakeSite, until, type SiteHabits } from './fixtures/site.fixture.js';
import type { RunView } from './runs/shapes.js';

/** These start real processes, which take seconds each on a busy machine. */
const SLOW_MS = 240_000;
const PEAK_BYTES_MAX = 600e6;

let federation: Federation;
beforeAll(async () => {
  federation = await Federation.found();
});
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function home(settings: Record<string, unknown> = {}): Promise<Home> {
  const made = await Home.make(federation, settings);
  undo.push(made.remove);
  return made;
}
function serve(at: Home, env: Record<string, string> = {}): Program {
  const program = Program.serve(at, env);
  undo.push(() => program.kill('SIGKILL'));
  return program;
}
async function site(
  name: SiteName,
  { grpc: address, call }: { grpc: string; call: Call },
  habits: SiteHabits,
  dialled = address,
): Promise<FakeSite> {
  const made = new FakeSite(name, dialled, await enrol({ call, grpc: address }, federation, name), habits);
  undo.push(() => made.close());
  void made.serve();
  return made;
}
type Call = Awaited<ReturnType<Program['api']>>['call'];
const finished = (call: Call, id: string): Promise<RunView> =>
  until(async () => {
    const run = await call<RunView>(`/api/v1/runs/${id}`);
    return run.endedMs !== null && run;
  });

describe('the command line', () => {
  it(
    'tells what it can do, and exits 0',
    async () => {
      const { code, output } = await new Program(['--help']).exited;
      expect([code, output]).toEqual([0, expect.stringContaining('serve')]);
      expect((await new Program(['serve', '--help']).exited).output).toContain('--settings');
    },
    SLOW_MS,
  );

  it(
    'exits 2 for a mistake in it, and 1 with a code and a sentence for one in the settings',
    async () => {
      for (const args of [['dance'], ['serve'], ['serve', '--loudly']]) {
        expect(await new Program(args).exited).toMatchObject({
          code: 2,
          output: expect.stringContaining('consilium: USAGE: '),
        });
      }
      const unreadable = await new Program(['serve', '--settings', 'no-such-file.yaml']).exited;
      expect(unreadable).toMatchObject({
        code: 1,
        output: expect.stringMatching(/^consilium: SETTINGS_UNREADABLE: The settings file/),
      });
      const at = await home({ http: { host: '0.0.0.0' } });
      const open = await Program.serve(at).exited;
      expect(open).toMatchObject({ code: 1, output: expect.stringContaining('consilium: SETTINGS_INVALID:') });
      expect(await readdir(at.folder)).not.toContain('state');
    },
    SLOW_MS,
  );

  it(
    'refuses an identity that is not of this federation, and leaves the state to others',
    async () => {
      const at = await Home.make(await Federation.found('other'));
      undo.push(at.remove);
      expect(await Program.serve(at).exited).toMatchObject({
        code: 1,
        output: expect.stringContaining('CERTIFICATE_INVALID'),
      });
      expect(await readdir(join(at.folder, 'state'))).not.toContain('lock');
    },
    SLOW_MS,
  );
});

describe('a serving coordinator', () => {
  it(
    'keeps its state to itself, names a port that is taken, tells no secret, and ends when asked',
    async () => {
      const at = await home();
      const program = serve(at);
      const { call, url } = await program.api(at);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      const token = await at.token();
      expect((await stat(join(at.folder, 'state', 'api-token'))).mode & 0o777).toBe(0o600);

      // A second one on the same state, and two others on its ports.
      expect(await serve(at).exited).toMatchObject({
        code: 1,
        output: expect.stringContaining('consilium: STATE_LOCKED:'),
      });
      const { http, grpc } = { http: Number(new URL(url).port), grpc: await takenPort() };
      for (const settings of [{ http: { port: http } }, { grpc: { host: '127.0.0.1', port: grpc } }]) {
        const other = await serve(await home(settings)).exited;
        expect(other).toMatchObject({ code: 1, output: expect.stringContaining('consilium: PORT_IN_USE:') });
      }

      const { sites } = await call<{ sites: object[] }>('/api/v1/sites');
      expect(sites).toEqual(
        ['alpha', 'beta', 'gamma'].map((name) => expect.objectContaining({ name, lastSeenMs: null })),
      );
      const watching = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      expect(watching.status).toBe(200);
      expect(await program.peakBytes()).toBeLessThan(PEAK_BYTES_MAX);
      const { code, output } = await program.kill('SIGTERM');
      expect(code).toBe(0);
      expect(output).not.toContain(token);
      for (const line of output.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
      expect(await readdir(join(at.folder, 'state'))).toEqual([
        ...['api-token', 'db', 'documents', 'keys', 'ledger', 'models', 'retained', 'spool'],
      ]);
    },
    SLOW_MS,
  );

  it(
    'ends at once when it is interrupted a second time',
    async () => {
      const at = await home();
      const program = serve(at);
      await program.ready();
      // Two signals of one kind may arrive as one.
      process.kill(program.pid, 'SIGINT');
      process.kill(program.pid, 'SIGTERM');
      expect((await program.exited).code).toBe(130);
      // What it left is taken over.
      const next = serve(at);
      await next.ready();
      expect((await next.kill('SIGINT')).code).toBe(0);
    },
    SLOW_MS,
  );
});

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  undo.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}

describe('kill -9 of the coordinator in the middle of an upload', () => {
  it(
    'costs nothing: the run goes on from the same bytes to the same model',
    async () => {
      const choices = { hidden: 1024 };
      const manifest = manifestOf(planOf(choices).plan.model);
      const at = await home();
      let program = serve(at);
      let { call, grpc } = await program.api(at);
      let port = Number(grpc.split(':')[1]);
      const network = new Bottleneck(() => port);
      undo.push(() => network.close());

      const address = `127.0.0.1:${await network.listen()}`;
      for (const name of [alpha, beta]) await site(name, { grpc, call }, { manifest }, address);
      const undisturbed = await finished(call, await startRun(call, planJson(choices)));
      expect(undisturbed.state).toBe('finished');

      const id = await startRun(call, planJson(choices));
      network.bytesLeft = 2_500_000;
      const spool = join(at.folder, 'state', 'spool', id, '1-1');
      const half = await until(async () => {
        const names = await readdir(spool).catch(() => []);
        const parts = await Promise.all(
          names.map(async (name) => ({ name, size: (await stat(join(spool, name))).size })),
        );
        return parts.find(({ name, size }) => name.endsWith('.part') && size > 0);
      });
      expect((await program.kill('SIGKILL')).signal).toBe('SIGKILL');
      expect((await stat(join(spool, half.name))).size).toBeLessThan(4_000_000);

      network.bytesLeft = Infinity;
      program = serve(at);
      ({ call, grpc } = await program.api(at));
      port = Number(grpc.split(':')[1]);
      const run = await finished(call, id);
      expect(run).toMatchObject({ state: 'finished', modelDigest: undisturbed.modelDigest });
      expect(run.history.map(({ round, attempt, outcome }) => [round, attempt, outcome])).toEqual([
        [1, 1, 'published'],
        [2, 1, 'published'],
      ]);
      expect(await program.peakBytes()).toBeLessThan(PEAK_BYTES_MAX);
      expect(await readdir(join(at.folder, 'state', 'spool'))).toEqual([]);
      expect((await program.kill('SIGTERM')).code).toBe(0);
    },
    SLOW_MS,
  );
});

describe.skipIf(!SERVER_URL)('on PostgreSQL (skipped without CONSILIUM_TEST_DATABASE_URL)', () => {
  it(
    'a whole run is the same, and no embedded database is made',
    async () => {
      const database = await createDatabase();
      undo.push(database.drop);
      const manifest = manifestOf(planOf().plan.model);
      const at = await home();
      const program = serve(at, { DATABASE_URL: database.url });
      const { call, grpc } = await program.api(at);
      for (const name of [alpha, beta]) await site(name, { grpc, call }, { manifest });
      expect((await finished(call, await startRun(call, planJson()))).state).toBe('finished');
      expect(await readdir(join(at.folder, 'state'))).not.toContain('db');
      const { code, output } = await program.kill('SIGTERM');
      expect([code, output.includes(database.url)]).toEqual([0, false]);
    },
    SLOW_MS,
  );
});
