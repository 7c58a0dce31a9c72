import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeBundle } from './bundle/folder.js';
import { runCommand } from './program.js';
import { SmallFederation } from './testing/federation.fixture.js';
import { forkOf } from './testing/fork.fixture.js';
import { newFolder, writeState } from './testing/state.fixture.js';

let federation: SmallFederation;
beforeAll(async () => void (federation = await SmallFederation.run()));

async function run(...args: string[]): Promise<{ exit: number; out: string[]; err: string[]; json: () => never }> {
  const [out, err]: [string[], string[]] = [[], []];
  const interrupted = new AbortController().signal;
  const exit = await runCommand(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    env: {},
    interrupted,
  });
  return { exit, out, err, json: () => JSON.parse(out.at(-1)!) as never };
}

/** A bundle, its policy, and an empty corner beside them. */
async function desk(of = federation): Promise<{ bundle: string; policy: string; folder: string }> {
  const folder = await newFolder();
  const [bundle, policy] = [join(folder, 'bundle'), join(folder, 'policy.json')];
  await writeBundle(of.bundle, bundle);
  await writeFile(policy, JSON.stringify(of.parties.policy));
  return { bundle, policy, folder };
}

describe('audit report', () => {
  it('passes with exit code 0, and prints one JSON object for programs', async () => {
    const { bundle, policy } = await desk();
    const { exit, json } = await run('report', bundle, '--policy', policy, '--json');
    expect(exit).toBe(0);
    expect(json()).toMatchObject({ verdict: 'pass', findings: [], summary: { federation: 'lung' } });
    expect(Object.keys(json())).toEqual(['verdict', 'findings', 'summary']);
  });

  it('fails with exit code 1, each finding with exactly its four fields', async () => {
    const { bundle, policy } = await desk();
    await writeFile(join(bundle, 'extra.txt'), 'x');
    const { exit, json } = await run('report', bundle, '--policy', policy, '--json');
    expect(exit).toBe(1);
    const { findings } = json() as { findings: object[] };
    expect(findings).toEqual([
      { code: 'FILE_UNREFERENCED', entry: null, expected: 'a file that an entry leads to', found: 'extra.txt' },
    ]);
  });

  it.each([
    ['without a policy', [], 'POLICY_MISSING'],
    ['with a policy that is not there', ['--policy', 'nowhere.json'], 'POLICY_MISSING'],
    ['with a file that is no policy', ['--policy', import.meta.filename], 'POLICY_INVALID'],
  ])('fails %s', async (_, options, code) => {
    const { bundle } = await desk();
    const { exit, json } = await run('report', bundle, ...options, '--json');
    expect(exit).toBe(1);
    expect(json()).toMatchObject({ verdict: 'fail', findings: [{ code, entry: null }] });
  });

  it('fails with a policy whose root is no certificate', async () => {
    const { bundle, policy } = await desk();
    await writeFile(policy, JSON.stringify({ ...federation.parties.policy, root: '-----BEGIN CERTIFICATE-----' }));
    expect((await run('report', bundle, '--policy', policy, '--json')).json()).toMatchObject({
      findings: [{ code: 'POLICY_INVALID' }],
    });
  });

  it('writes a page for people beside it', async () => {
    const { bundle, policy, folder } = await desk();
    const { exit, out } = await run('report', bundle, '--policy', policy, '--html', join(folder, 'report.html'));
    expect(exit).toBe(0);
    expect(out[0]).toMatch(/^PASS/);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<strong>Pass.</strong>');
  });

  it('takes a folder with policy.json for the policy, as `consilium up` writes it', async () => {
    const { bundle, folder } = await desk();
    expect((await run('report', bundle, '--policy', folder)).exit).toBe(0);
  });

  it('reads a state directory as if it had been fetched now', async () => {
    const { policy, folder } = await desk();
    await writeState(federation, join(folder, 'state'));
    expect((await run('report', join(folder, 'state'), '--policy', policy)).exit).toBe(0);
  });

  it('is NOT_FOUND for a folder without evidence', async () => {
    const { policy, folder } = await desk();
    const { exit, json } = await run('report', join(folder, 'nowhere'), '--policy', policy, '--json');
    expect(exit).toBe(1);
    expect(json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});

describe('audit fetch', () => {
  it('copies state directories into a bundle that passes', async () => {
    const { policy, folder } = await desk();
    await writeState(federation, join(folder, 'state'));
    const out = join(folder, 'fetched');
    const states = ['coordinator/state', ...[...federation.logs.keys()].map((site) => `sites/${site}/state`)];
    const named = states.flatMap((state) => ['--state', join(folder, 'state', state)]);
    expect((await run('fetch', ...named, '--out', out, '--json')).json()).toMatchObject({ logs: 5 });
    expect((await run('report', out, '--policy', policy)).exit).toBe(0);
  });

  it('needs a source, and an address needs a token', async () => {
    const { folder } = await desk();
    expect((await run('fetch', '--out', join(folder, 'a'))).exit).toBe(2);
    const { exit, err } = await run('fetch', '--url', 'http://127.0.0.1:1', '--out', join(folder, 'b'));
    expect([exit, err[0]]).toEqual([1, expect.stringContaining('SETTINGS_INVALID')]);
  });
});

describe('audit log, witnesses, replay and site', () => {
  it('lists the entries that fit a filter, and says whether they were verified', async () => {
    const { bundle, policy } = await desk();
    const unverified = await run('log', bundle, '--type', 'egress.sent', '--site', 'berlin');
    expect(unverified.out).toHaveLength(6);
    expect(unverified.out[0]).toMatch(/^lung\/site\/berlin\/2026#\d+ {2}2026-03-02T.*Z {2}egress\.sent {2}/);
    expect(unverified.err[0]).toContain('Not verified');
    const verified = await run('log', bundle, '--policy', policy, '--origin', 'lung/coordinator/2026', '--json');
    expect(verified.json()).toMatchObject({ verdict: 'pass' });
    const ofRun = await run('log', bundle, '--run', 'run-0000000000', '--json');
    expect(ofRun.json()).toEqual({ verdict: 'not verified', entries: [] });
  });

  it('shows who cosigned what', async () => {
    const { bundle, policy } = await desk();
    const { exit, json, out } = await run('witnesses', bundle, '--policy', policy, '--json');
    expect(exit).toBe(0);
    expect(json()).toMatchObject({ findings: [], quorums: [{ quorum: 3 }] });
    expect(out.at(-1)).toContain('lung/site/delft');
    expect((await run('witnesses', bundle, '--policy', policy)).out.join('\n')).toContain(
      'needs the cosignatures of 3 sites',
    );
  });

  it('shows each round again', async () => {
    const { bundle, policy } = await desk();
    expect((await run('replay', bundle, '--policy', policy)).out.join('\n')).toMatch(
      /1\.1.*re-derived[^]*2\.1.*re-derived/,
    );
    expect((await run('replay', bundle, '--policy', policy, '--run', 'run-x', '--json')).json()).toMatchObject({
      runs: [],
    });
  });

  it('shows what a site sent, to the byte', async () => {
    const { bundle, policy } = await desk();
    const { exit, json } = await run('site', 'cluj', bundle, '--policy', policy, '--json');
    expect(exit).toBe(0);
    const { sent, bytes } = json() as { sent: { message: string; bytes: number }[]; bytes: number };
    expect(sent.filter(({ message }) => message === 'update').map((one) => one.bytes)).toEqual([372, 372]);
    expect(sent.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes);
    expect((await run('site', 'cluj', bundle)).out.at(-1)).toContain(`${bytes} bytes in all`);
    expect((await run('site', 'oslo', bundle)).exit).toBe(1);
  });
});

describe('audit compare', () => {
  it('writes evidence of a fork that verifies by itself, and against a policy', async () => {
    const { left, right, common, parties } = await forkOf({ at: 4, left: 2, right: 5 });
    const folder = await newFolder();
    for (const [name, bundle] of Object.entries({ left, right, common })) await writeBundle(bundle, join(folder, name));
    const policy = join(folder, 'policy.json');
    await writeFile(policy, JSON.stringify(parties.policy));
    const file = join(folder, 'equivocation.json');

    const same = await run('compare', join(folder, 'common'), join(folder, 'left'), '--out', file, '--json');
    expect([same.exit, same.json()]).toEqual([0, { compared: 1, conflicts: [], evidence: null }]);
    const { exit, json } = await run('compare', join(folder, 'left'), join(folder, 'right'), '--out', file, '--json');
    expect(exit).toBe(1);
    expect(json()).toMatchObject({ conflicts: ['lung/coordinator/2026'] });

    const alone = await run('compare', '--verify', file, '--json');
    expect([alone.exit, alone.json()]).toEqual([0, { proven: true, origin: 'lung/coordinator/2026', trusted: null }]);
    expect((await run('compare', '--verify', file, '--policy', policy, '--json')).json()).toMatchObject({
      trusted: true,
    });
    const text = await run('compare', '--verify', file);
    expect(text.out.join(' ')).toContain('has signed two histories');
  });

  it('is not convinced by evidence against another key, changed evidence, or none', async () => {
    const folder = await newFolder();
    const { left, right } = await forkOf({ at: 4, left: 2, right: 5 });
    await writeBundle(left, join(folder, 'left'));
    await writeBundle(right, join(folder, 'right'));
    const file = join(folder, 'evidence.json');
    await run('compare', join(folder, 'left'), join(folder, 'right'), '--out', file);
    const { policy } = await desk();
    expect((await run('compare', '--verify', file, '--policy', policy, '--json')).json()).toMatchObject({
      proven: false,
    });
    const evidence = JSON.parse(await readFile(file, 'utf8')) as { first: string };
    await writeFile(file, JSON.stringify({ ...evidence, first: evidence.first.replace('\n6\n', '\n7\n') }));
    expect((await run('compare', '--verify', file)).exit).toBe(1);
    await writeFile(file, 'nothing');
    expect((await run('compare', '--verify', file, '--json')).json()).toMatchObject({
      error: { code: 'REQUEST_INVALID' },
    });
    expect((await run('compare', '--verify', join(folder, 'nowhere'))).exit).toBe(1);
    expect((await run('compare')).exit).toBe(2);
  });
});

describe('audit export', () => {
  it.each(['csv', 'fhir'] as const)('writes %s once', async (format) => {
    const { bundle, folder } = await desk();
    const out = join(folder, format);
    expect((await run('export', bundle, '--format', format, '--out', out, '--json')).json()).toMatchObject({ format });
    expect((await readFile(out, 'utf8')).length).toBeGreaterThan(1000);
    const again = await run('export', bundle, '--format', format, '--out', out);
    expect([again.exit, again.err[0]]).toEqual([1, expect.stringContaining('ALREADY_EXISTS')]);
  });

  it('makes a bundle of a state directory', async () => {
    const { policy, folder } = await desk();
    await writeState(federation, join(folder, 'state'));
    await mkdir(join(folder, 'out'));
    expect((await run('export', join(folder, 'state'), '--format', 'bundle', '--out', join(folder, 'out'))).exit).toBe(
      0,
    );
    expect((await run('report', join(folder, 'out'), '--policy', policy)).exit).toBe(0);
  });
});

describe('the command line', () => {
  it('has help with examples for every command', async () => {
    const { exit, out } = await run('--help');
    expect(exit).toBe(0);
    const names = ['fetch', 'report', 'log', 'witnesses', 'replay', 'site', 'compare', 'export'];
    for (const name of names) {
      expect(out.join('\n')).toContain(`  ${name} `);
      const help = await run(name, '--help');
      expect(help.out.join('\n')).toMatch(/Examples:\n {2}consilium audit /);
    }
  });

  it.each([
    [[]],
    [['verify']],
    [['report']],
    [['export', 'x', '--format', 'xml', '--out', 'y']],
    [['report', 'x', '--nope']],
  ])('is not understood with %j: exit code 2', async (args) => {
    expect((await run(...args)).exit).toBe(2);
  });
});
