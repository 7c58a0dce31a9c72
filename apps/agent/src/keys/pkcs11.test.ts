import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEnvelope, signEnvelope } from '@consilium/identity';
import { Fault, verifyEd25519 } from '@consilium/stdx';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { approvalOf } from '../plan.fixture.js';
import { publicKeyOn, tokenKey, type Pkcs11Key } from './pkcs11.js';

/** Where distributions put the library of SoftHSM2. */
const MODULE = [
  process.env['SOFTHSM2_MODULE'] ?? '',
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
].find((path) => path !== '' && existsSync(path));
const has = (program: string): boolean => !spawnSync(program, ['--version']).error;
const isThere = MODULE !== undefined && has('pkcs11-tool') && has('softhsm2-util');

const PIN = '4711';
let folder: string;
const key = (keyLabel: string, more: Partial<Pkcs11Key> = {}): Pkcs11Key => ({
  module: MODULE!,
  keyLabel,
  tokenLabel: 'hospital',
  ...more,
});
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (error) {
    return Fault.from(error).code;
  }
};

describe.skipIf(!isThere)('a key on a token (skipped where pkcs11-tool or SoftHSM2 are absent)', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'token-'));
    mkdirSync(join(folder, 'tokens'));
    writeFileSync(join(folder, 'softhsm2.conf'), `directories.tokendir = ${join(folder, 'tokens')}\n`);
    vi.stubEnv('SOFTHSM2_CONF', join(folder, 'softhsm2.conf'));
    run('softhsm2-util', '--init-token', '--free', '--label', 'hospital', '--pin', PIN, '--so-pin', '12345678');
    generate('EC:edwards25519', 'operator', '01');
    generate('EC:edwards25519', 'officer', '02');
    generate('EC:prime256v1', 'other', '03');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (program: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(program, args);
    if (status !== 0) throw new Error(`${program}: ${String(stderr)}`);
  };
  const generate = (type: string, label: string, id: string): void =>
    run(
      ...(['pkcs11-tool', '--module', MODULE!, '--token-label', 'hospital', '--login', '--pin', PIN] as const),
      ...['--keypairgen', '--key-type', type, '--label', label, '--id', id],
    );

  it('signs an approval like any other key, and its secret stays there', () => {
    const officer = tokenKey(key('officer'), PIN);
    expect(officer.publicKey).toEqual(publicKeyOn(key('officer')));
    const approval = approvalOf();
    const envelope = signEnvelope('approval', approval, [officer]);
    expect(openEnvelope(envelope, 'approval', { all: [officer.publicKey] }).payload).toEqual(approval);
  });

  it('is the one with this label, whichever was made first', () => {
    const message = Buffer.from('message');
    const [operator, officer] = [tokenKey(key('operator'), PIN), tokenKey(key('officer'), PIN)];
    expect(operator.publicKey).not.toEqual(officer.publicKey);
    for (const one of [operator, officer]) expect(verifyEd25519(one.publicKey, message, one.sign(message))).toBe(true);
    expect(verifyEd25519(officer.publicKey, message, operator.sign(message))).toBe(false);
  });

  it.each<[string, string, Partial<Pkcs11Key>, string, string]>([
    ['another PIN', 'officer', {}, '0000', 'KEY_LOCKED'],
    ['a label that no key has', 'nobody', {}, PIN, 'NOT_FOUND'],
    ['a token that is not there', 'officer', { tokenLabel: 'elsewhere' }, PIN, 'NOT_FOUND'],
    ['a library that is not there', 'officer', { module: '/nowhere.so' }, PIN, 'NOT_FOUND'],
    ['a key of another kind', 'other', {}, PIN, 'KEY_INVALID'],
  ])('tells %s by its code', (_what, label, more, pin, code) => {
    expect(codeOf(() => tokenKey(key(label, more), pin).sign(Buffer.from('message')))).toBe(code);
    expect(codeOf(() => tokenKey(key('officer'), PIN).sign(Buffer.from('message')))).toBe('done'); // the control
  });
});

describe('without the tool', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('a token is no key, and what is missing is named', () => {
    vi.stubEnv('PATH', '/nowhere');
    expect(() => publicKeyOn({ module: 'x.so', keyLabel: 'officer' })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', facts: { what: 'the program pkcs11-tool of OpenSC' } }),
    );
  });
});
