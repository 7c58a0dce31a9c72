import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-ca-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function ca(...argv: string[]): Promise<MemoryTerminal & { exit: number }> {
  const terminal = memoryTerminal();
  const exit = await runCommand(['ca', ...argv, '--dir', folder], terminal, new Interrupts(new ManualClock()));
  return { ...terminal, exit };
}
const certificate = async (name: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(folder, `${name}.pem`)));

describe('consilium ca', () => {
  it('makes an authority, a coordinator and a site that belong together', async () => {
    expect(await ca('init', '--federation', 'lungs')).toMatchObject({ exit: 0 });
    expect(await ca('issue-coordinator', '--host', 'hub.example.org', '10.0.0.7')).toMatchObject({ exit: 0 });
    expect(await ca('issue-site', 'north', '--days', '30')).toMatchObject({ exit: 0 });

    const authority = await certificate('ca');
    const [coordinator, site] = [await certificate('coordinator'), await certificate('north')];
    expect(coordinator.verify(authority.publicKey) && site.verify(authority.publicKey)).toBe(true);
    expect(coordinator.subjectAltName).toContain('URI:spiffe://lungs/coordinator');
    expect(coordinator.subjectAltName).toContain('hub.example.org');
    expect(coordinator.subjectAltName).toContain('10.0.0.7');
    expect(site.subjectAltName).toBe('URI:spiffe://lungs/site/north');
    const days = (Date.parse(site.validTo) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
  });

  it('keeps every private key from everybody else', async () => {
    await ca('init', '--federation', 'lungs');
    await ca('issue-site', 'north');
    for (const name of ['ca.key', 'north.key']) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  it('tells the coordinator’s pin, which the sites’ settings need', async () => {
    await ca('init', '--federation', 'lungs');
    const { outLines } = await ca('issue-coordinator', '--host', 'hub');
    expect(outLines.join('\n')).toMatch(/pin {10}[0-9a-f]{64}/);
    const json = await ca('issue-site', 'north', '--json');
    expect(JSON.parse(json.outLines.at(-1)!)).toMatchObject({ spiffe: 'spiffe://lungs/site/north' });
  });

  it('never overwrites a key', async () => {
    await ca('init', '--federation', 'lungs');
    await ca('issue-site', 'north');
    const before = await readFile(join(folder, 'north.key'), 'utf8');
    for (const again of [
      ['init', '--federation', 'lungs'],
      ['issue-site', 'north'],
    ]) {
      const { exit, errLines } = await ca(...again);
      expect(exit).toBe(1);
      expect(errLines.join(' ')).toContain('ALREADY_EXISTS');
    }
    expect(await readFile(join(folder, 'north.key'), 'utf8')).toBe(before);
  });

  it('refuses names that would not be one, and a folder without an authority', async () => {
    expect(await ca('init', '--federation', 'Lungs!')).toMatchObject({ exit: 1 });
    expect(await ca('issue-site', 'north')).toMatchObject({ exit: 1 });
    await ca('init', '--federation', 'lungs');
    for (const name of ['Nord', '..', 'ca', 'coordinator'])
      expect(await ca('issue-site', name)).toMatchObject({ exit: 1 });
    expect(await ca('issue-coordinator')).toMatchObject({ exit: 2 });
    expect(await ca('issue-site', 'north', '--days', '0')).toMatchObject({ exit: 2 });
  });
});
