import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coordinatorCosigner, COSIGNATURE, cosign, parseCheckpointNote, verifierKey } from '@consilium/ledger';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../cli.js';
import { certificatesOf, FEDERATION, writeSite, type Certificates } from '../federation.fixture.js';
import { readIdentity } from '../identity.js';
import { COORDINATOR } from '../keys.fixture.js';
import { openLog } from '../ledger/open.js';
import { approvedEvents, MemoryDocuments } from '../ledger.fixture.js';
import { NO_DIGEST, RUN } from '../plan.fixture.js';
import { readSettings } from '../settings.js';
import { memoryTerminal } from '../terminal.fixture.js';
import { clockAt } from '../twins.fixture.js';

const certificates: Certificates = await certificatesOf();

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
  path = await writeSite(folder, certificates, { coordinator: { address: 'hub:1' } });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function open() {
  const settings = await readSettings(path, {});
  return openLog(settings, await readIdentity(settings.identity), clockAt());
}
async function fill(): Promise<void> {
  const { log } = await open();
  for (const event of approvedEvents(new MemoryDocuments())) await log.record(event);
  const sent = {
    type: 'egress.sent',
    message: 'update',
    bytes: 1234,
    sha256: NO_DIGEST,
    run: RUN,
    round: 1,
    attempt: 1,
  } as const;
  await log.record(sent);
  await log.close();
}
async function sign(): Promise<void> {
  const { log } = await open();
  const { text } = parseCheckpointNote(await log.checkpoint());
  const name = coordinatorCosigner(FEDERATION);
  await log.shard.addCosignatures(
    [cosign(text, COORDINATOR, name, 1_700_000_000)],
    [verifierKey(name, COSIGNATURE, COORDINATOR.publicKey)],
  );
  await log.close();
}
const run = async (...args: string[]) => {
  const memory = memoryTerminal();
  return { exit: await runCommand(['log', ...args, '--settings', path], memory.terminal), ...memory };
};

describe('the log on the command line', () => {
  it('shows each entry on a line of its own, whether it is signed yet or not', async () => {
    await fill();
    for (let signed = 0; signed < 2; signed++) {
      const { exit, out } = await run('show');
      expect(exit).toBe(0);
      expect(out).toHaveLength(5);
      expect(out[2]).toContain(`dataset.loaded      run ${RUN}  dataset ${'d'.repeat(64)}`);
      expect(out[4]).toMatch(
        /^ {5}4 {2}2023-11-14T.*egress\.sent {9}run run-0000000001 {2}round 1 {2}attempt 1 {2}bytes 1234 {2}message update/,
      );
      const json = (await run('show', '--json')).out.map((line) => JSON.parse(line) as { type: string });
      expect(json.map(({ type }) => type)).toEqual([
        'shard.opened',
        'plan.offered',
        'dataset.loaded',
        'plan.approved',
        'egress.sent',
      ]);
      await sign();
    }
  });

  it('verifies the whole log with the site’s own key, and counts what left', async () => {
    await fill();
    const counts = { entries: 5, messagesSent: 1, bytesSent: 1234 };
    expect((await run('verify', '--json')).last()).toMatchObject({
      ...counts,
      signed: 0,
      root: null,
      cosignedSeconds: null,
    });
    await sign();
    const { exit, last } = await run('verify', '--json');
    expect(exit).toBe(0);
    expect(last()).toEqual({
      ...counts,
      signed: 5,
      origin: `${FEDERATION}/site/site-a/2023`,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      cosignedSeconds: 1_700_000_000,
    });
    const { out } = await run('verify');
    expect(out[0]).toContain('1 messages of together 1234 bytes left this site');
    expect(out[2]).toContain('cosigned 2023-11-14T22:13:20.000Z');
  });

  it('looks beside a running agent without touching what it writes: half a line stays where it is', async () => {
    await fill();
    const rows = join(folder, 'state', 'ledger', 'rows.jsonl');
    const before = await readFile(rows, 'utf8');
    await writeFile(rows, `${before}{"entry":{"at":17`);
    expect((await run('verify', '--json')).last()).toMatchObject({ entries: 5 });
    expect(await readFile(rows, 'utf8')).toBe(`${before}{"entry":{"at":17`);
  });

  it('fails on a log that was changed, in the rows or in the tiles', async () => {
    await fill();
    const rows = join(folder, 'state', 'ledger', 'rows.jsonl');
    const whole = await readFile(rows, 'utf8');
    await writeFile(rows, whole.replace('1234', '1235'));
    expect(await run('verify')).toMatchObject({ exit: 1, err: [expect.stringContaining('LEDGER_CORRUPT')] });
    await writeFile(rows, whole);
    await sign();
    const bundles = join(folder, 'state', 'ledger', '2023', 'tile', 'entries', '000.p');
    const [name] = await readdir(bundles);
    const bundle = await readFile(join(bundles, name!), 'latin1');
    await writeFile(join(bundles, name!), bundle.replace('1234', '1235'), 'latin1');
    expect(await run('verify')).toMatchObject({ exit: 1, err: [expect.stringContaining('LEDGER_CORRUPT')] });
  });

  it('tells that there is no log yet, and makes none', async () => {
    expect(await run('show')).toMatchObject({ exit: 1, err: [expect.stringContaining('NOT_FOUND')] });
    await expect(readdir(join(folder, 'state'))).rejects.toThrow();
  });

  it('names the gap after a restore, in a new shard, and gives up every run that went on', async () => {
    await fill();
    await sign();
    expect(await run('restore', '--witnessed', '5')).toMatchObject({
      exit: 2,
      err: [expect.stringContaining('USAGE')],
    });
    expect((await run('restore', '--witnessed', '8', '--json')).last()).toEqual({ lost: 3 });
    const json = (await run('show', '--json')).out.map((line) => JSON.parse(line) as object);
    expect(json.at(-1)).toMatchObject({ type: 'shard.opened', reason: 'restore', lost: 3 });
    expect((await run('verify')).exit).toBe(0);
  });
});
