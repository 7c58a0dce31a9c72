import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createIntermediate,
  createRoot,
  decodeKeyFile,
  encodePublicKey,
  fingerprintWords,
  issueLeaf,
  issueServerLeaf,
  newRequest,
  newSigningKey,
  nextRoster,
  openRoster,
  verifyChain,
  type Issued,
  type Roster,
} from '@consilium/identity';
import { digestOf, ManualClock, siteName } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-ca-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (...path: string[]): string => join(folder, ...path);
const text = (...path: string[]): Promise<string> => readFile(at(...path), 'utf8');

async function ca(...argv: string[]): Promise<MemoryTerminal & { exit: number }> {
  const terminal = memoryTerminal();
  const exit = await runCommand(['ca', ...argv], terminal, new Interrupts(new ManualClock()));
  return { ...terminal, exit };
}
const json = ({ outLines }: MemoryTerminal): Record<string, unknown> =>
  JSON.parse(outLines.at(-1)!) as Record<string, unknown>;
const codeOf = ({ outLines }: MemoryTerminal): string =>
  (JSON.parse(outLines.at(-1)!) as { error: { code: string } }).error.code;

const init = () => ca('init', '--dir', at('pki'), '--federation', 'lungs');
const issue = (...more: string[]) =>
  ca(
    'issue-coordinator',
    '--dir',
    at('pki'),
    '--out',
    at('hub'),
    ...(more.length ? more : ['--host', 'hub.example.org']),
  );
const intermediate = async (): Promise<Issued> => ({
  certificatePem: await text('hub', 'intermediate.pem'),
  privateKeyPem: await text('hub', 'intermediate.key'),
});
const roster = async (): Promise<Roster> =>
  openRoster(await readFile(at('hub', 'roster.json')), await text('pki', 'root.pem'));

describe('consilium ca init', () => {
  it('makes a root, and says to keep its key offline', async () => {
    const { exit, outLines } = await init();
    expect(exit).toBe(0);
    expect(outLines.join('\n')).toContain('offline');
    const root = new X509Certificate(await text('pki', 'root.pem'));
    expect(root.ca && root.verify(root.publicKey)).toBe(true);
    expect(root.subjectAltName).toBe('URI:spiffe://lungs');
    expect((await stat(at('pki', 'root.key'))).mode & 0o777).toBe(0o600);
  });

  it('names the federation demo unless told otherwise, and prints JSON', async () => {
    const made = await ca('init', '--dir', at('pki'), '--days', '30', '--json');
    expect(json(made)).toMatchObject({ spiffe: 'spiffe://demo', certificate: at('pki', 'root.pem') });
    expect(Math.round(((json(made)['notAfterMs'] as number) - Date.now()) / 86_400_000)).toBe(30);
  });

  it('never overwrites a root, and goes on where it was killed before the certificate was there', async () => {
    await init();
    const before = await text('pki', 'root.key');
    expect(codeOf(await ca('init', '--dir', at('pki'), '--json'))).toBe('ALREADY_EXISTS');
    expect(await text('pki', 'root.key')).toBe(before);
    await rm(at('pki', 'root.pem'));
    expect(await init()).toMatchObject({ exit: 0 });
  });

  it('refuses names that no federation can have', async () => {
    expect(codeOf(await ca('init', '--dir', at('pki'), '--federation', 'Lungs!', '--json'))).toBe('REQUEST_INVALID');
    expect(await ca('init', '--dir', at('pki'), '--days', '0')).toMatchObject({ exit: 2 });
  });
});

describe('consilium ca issue-coordinator', () => {
  it('makes an identity folder from which leaves are issued that the root vouches for', async () => {
    await init();
    const { exit, outLines } = await issue('--host', 'hub.example.org', '10.0.0.7');
    expect(exit).toBe(0);
    expect((await readdir(at('hub'))).sort()).toEqual(
      ['hosts.json', 'intermediate.key', 'intermediate.pem', 'root.pem', 'roster.json', 'signing.key'].sort(),
    );
    expect(JSON.parse(await text('hub', 'hosts.json'))).toEqual(['hub.example.org', '10.0.0.7']);
    const { chainPem } = await issueServerLeaf({
      intermediate: await intermediate(),
      federation: 'lungs',
      subject: { kind: 'coordinator' },
      now: Date.now(),
    });
    const rootPem = await text('hub', 'root.pem');
    expect(verifyChain({ chainPem, rootPem, now: Date.now() }).byteLength).toBeGreaterThan(0);
    const key = decodeKeyFile(await text('hub', 'signing.key'));
    expect(outLines.join('\n')).toContain(fingerprintWords(key.publicKey));
  });

  it('signs the first roster, without sites and people, for the key that it made', async () => {
    await init();
    const made = json(await issue('--host', 'hub', '--json'));
    const key = decodeKeyFile(await text('hub', 'signing.key'));
    expect(await roster()).toMatchObject({
      federation: 'lungs',
      version: 1,
      previous: null,
      coordinator: { signing: encodePublicKey(key.publicKey) },
      sites: [],
      people: [],
    });
    expect(made['roster']).toEqual({ version: 1, digest: digestOf(await readFile(at('hub', 'roster.json'))) });
  });

  it('keeps all of it from everybody else, and the root’s key out of it', async () => {
    await init();
    await issue();
    expect((await stat(at('hub'))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(at('hub'))) {
      expect((await stat(at('hub', name))).mode & 0o777, name).toBe(0o600);
      expect(await text('hub', name)).not.toContain((await text('pki', 'root.key')).split('\n')[1]);
    }
  });

  it('never overwrites an identity, and goes on where it was killed before it was whole', async () => {
    await init();
    await issue();
    const before = await text('hub', 'signing.key');
    expect(codeOf(await issue('--host', 'hub', '--json'))).toBe('ALREADY_EXISTS');
    expect(await text('hub', 'signing.key')).toBe(before);
    await rm(at('hub', 'intermediate.pem'));
    expect(await issue()).toMatchObject({ exit: 0 });
    const key = decodeKeyFile(await text('hub', 'signing.key'));
    expect((await roster()).coordinator.signing).toBe(encodePublicKey(key.publicKey));
  });

  it('renews the intermediate alone: what was issued from the old one stays good', async () => {
    await init();
    await issue('--host', 'hub', '--days', '30');
    const [before, key] = [await intermediate(), await text('hub', 'signing.key')];
    expect(await issue('--renew')).toMatchObject({ exit: 0 });
    expect(json(await issue('--renew', '--days', '60', '--json'))).toMatchObject({ folder: at('hub') });
    expect((await intermediate()).certificatePem).not.toBe(before.certificatePem);
    expect(await text('hub', 'signing.key')).toBe(key);
    const subject = { kind: 'site', name: siteName('north') } as const;
    const { csr } = await newRequest();
    const old = await issueLeaf({ intermediate: before, federation: 'lungs', subject, csr, now: Date.now() });
    const rootPem = await text('pki', 'root.pem');
    expect(verifyChain({ chainPem: old.chainPem, rootPem, now: Date.now() }).byteLength).toBeGreaterThan(0);
  });

  it('refuses a folder without a root, an identity of another root, and half of what it needs', async () => {
    expect(codeOf(await issue('--host', 'hub', '--json'))).toBe('NOT_FOUND');
    await init();
    expect(await ca('issue-coordinator', '--dir', at('pki'))).toMatchObject({ exit: 2 });
    expect(await ca('issue-coordinator', '--dir', at('pki'), '--out', at('hub'))).toMatchObject({ exit: 2 });
    expect(await issue('--renew', '--host', 'hub')).toMatchObject({ exit: 2 });
    expect(codeOf(await issue('--renew', '--json'))).toBe('CERTIFICATE_INVALID');
    await issue();
    await ca('init', '--dir', at('other'));
    const renewed = await ca('issue-coordinator', '--dir', at('other'), '--out', at('hub'), '--renew', '--json');
    expect(codeOf(renewed)).toBe('CERTIFICATE_INVALID');
  });
});

describe('consilium ca sign-roster', () => {
  const north = newSigningKey();
  const site = { name: siteName('north'), signing: encodePublicKey(north.publicKey), jurisdiction: 'DE' };
  const sign = (...more: string[]) =>
    ca('sign-roster', '--dir', at('pki'), '--roster', at('draft.json'), '--out', at('roster-2.json'), ...more);

  /** A federation whose coordinator asks for a roster with one site. */
  async function draft(): Promise<Roster> {
    await init();
    await issue();
    const known = { roster: await roster(), digest: digestOf(await readFile(at('hub', 'roster.json'))) };
    const next = nextRoster(known, [{ kind: 'admit', site }], Date.now());
    await writeFile(at('draft.json'), JSON.stringify(next, null, 2));
    return next;
  }

  it('signs a draft, and shows whose keys it signs by their six words', async () => {
    const next = await draft();
    const { exit, outLines } = await sign();
    expect(exit).toBe(0);
    expect(openRoster(await readFile(at('roster-2.json')), await text('pki', 'root.pem'))).toEqual(next);
    expect(outLines.join('\n')).toContain(`site north (DE): ${fingerprintWords(north.publicKey)}`);
  });

  it('shows what changes against the roster before', async () => {
    await draft();
    const signed = json(await sign('--previous', at('hub', 'roster.json'), '--json'));
    expect(signed['lines']).toEqual([
      { mark: ' ', name: 'coordinator', what: '', words: expect.any(String) },
      { mark: '+', name: 'site north', what: 'DE', words: fingerprintWords(north.publicKey) },
    ]);
  });

  it('marks who is gone and who has another key', async () => {
    const next = await draft();
    await sign();
    const document = await readFile(at('roster-2.json'));
    const other = encodePublicKey(newSigningKey().publicKey);
    const changed = { ...next, version: 3, previous: digestOf(document), coordinator: { signing: other }, sites: [] };
    await writeFile(at('draft.json'), JSON.stringify(changed));
    const { outLines } = await ca(
      ...['sign-roster', '--dir', at('pki'), '--roster', at('draft.json'), '--out', at('roster-3.json')],
      ...['--previous', at('roster-2.json')],
    );
    expect(outLines.filter((line) => line.startsWith('~ coordinator'))).toHaveLength(1);
    expect(outLines.filter((line) => line.startsWith('- site north'))).toHaveLength(1);
  });

  it('refuses a draft that does not follow the roster before, or is of another federation, or is none', async () => {
    const next = await draft();
    await writeFile(at('draft.json'), JSON.stringify({ ...next, previous: '0'.repeat(64) }));
    expect(codeOf(await sign('--previous', at('hub', 'roster.json'), '--json'))).toBe('ROSTER_INVALID');
    for (const wrong of [
      { ...next, federation: 'other' },
      { ...next, version: 0 },
      { ...next, note: '' },
    ]) {
      await writeFile(at('draft.json'), JSON.stringify(wrong));
      expect(codeOf(await sign('--json'))).toBe('ROSTER_INVALID');
    }
    await writeFile(at('draft.json'), 'version: 2');
    expect(codeOf(await sign('--json'))).toBe('ROSTER_INVALID');
    await expect(stat(at('roster-2.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses files that are not there, and never overwrites a signed roster', async () => {
    await init();
    expect(codeOf(await sign('--json'))).toBe('NOT_FOUND');
    await rm(at('pki'), { recursive: true });
    await draft();
    expect(codeOf(await sign('--previous', at('nowhere'), '--json'))).toBe('NOT_FOUND');
    await sign();
    expect(codeOf(await sign('--json'))).toBe('ALREADY_EXISTS');
  });
});

describe('consilium ca show', () => {
  it('shows a root, and a coordinator’s identity with its key and roster', async () => {
    await init();
    await issue();
    expect((await ca('show', at('pki'))).outLines.join('\n')).toContain(
      'root.pem          spiffe://lungs, valid until',
    );
    const shown = json(await ca('show', at('hub'), '--json'));
    const key = decodeKeyFile(await text('hub', 'signing.key'));
    expect(shown).toMatchObject({
      certificates: [{ file: 'root.pem' }, { file: 'intermediate.pem', spiffe: 'spiffe://lungs', expired: false }],
      signing: { publicKey: encodePublicKey(key.publicKey), words: fingerprintWords(key.publicKey) },
      roster: { version: 1 },
    });
    const { outLines } = await ca('show', at('hub'));
    expect(outLines.join('\n')).toContain('version 1, signed by the root');
    expect(outLines.join('\n')).not.toContain(JSON.parse(await text('hub', 'signing.key')).secret);
  });

  it('shows a site’s certificate, and says where it has lapsed', async () => {
    const [federation, now, days] = ['lungs', Date.now() - 3 * 86_400_000, 30];
    const root = await createRoot({ federation, now, days });
    const issuer = await createIntermediate({ root, federation, now, days });
    await mkdir(at('site'));
    await writeFile(at('site', 'root.pem'), root.certificatePem);
    for (const [hours, told] of [
      [24 * 7, 'valid until'],
      [24, 'EXPIRED on'],
    ] as const) {
      const subject = { kind: 'site', name: siteName('north') } as const;
      const { csr } = await newRequest();
      const { chainPem } = await issueLeaf({ intermediate: issuer, federation, subject, csr, now, hours });
      await writeFile(at('site', 'certificate.pem'), chainPem);
      expect((await ca('show', at('site'))).outLines.join('\n')).toContain(`spiffe://lungs/site/north, ${told}`);
    }
  });

  it('refuses what the root beside it has not signed, and a folder without a root', async () => {
    await init();
    await issue();
    await ca('init', '--dir', at('other'));
    expect(codeOf(await ca('show', at('nowhere'), '--json'))).toBe('NOT_FOUND');
    await writeFile(at('hub', 'root.pem'), await text('other', 'root.pem'));
    expect(codeOf(await ca('show', at('hub'), '--json'))).toBe('PEER_CERTIFICATE_FOREIGN');
    await rm(at('hub', 'intermediate.pem'));
    expect(codeOf(await ca('show', at('hub'), '--json'))).toBe('SIGNATURE_INVALID');
  });
});
