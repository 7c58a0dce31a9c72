import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { NestLog, openLog } from './log.js';

const token = 'T0k_en-' + 'x'.repeat(36);
const password = 'pa55"wörd';
const url = 'postgresql://consilium:s3cret-pw@db.example:5432/consilium';
const key = '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49\n-----END PRIVATE KEY-----\n';

const jwt = `eyJhbGciOiJFZERTQSJ9.${'p'.repeat(40)}.${'s'.repeat(86)}`;
const refresh = `consilium-refresh.${'i'.repeat(22)}.${'r'.repeat(43)}`;
const setup = `consilium-setup.${'u'.repeat(43)}`;

function sink() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

/** Every way by which a secret has been seen to get into a log. */
function spill(log: Pick<ReturnType<typeof pino>, 'info' | 'error'>): void {
  log.info(`token ${token}, database ${url}`);
  log.info({ req: { headers: { authorization: `Bearer ${token}` } } }, 'a request');
  log.info({ settings: { database: { url }, password } }, 'settings');
  log.error({ err: new Error(`cannot connect to ${url}`) }, 'connect');
  log.error({ err: new Fault('CERTIFICATE_INVALID', {}, new Error(`bad key ${key}`)) }, 'tls');
  log.error({ nested: [{ deep: `${token} ${key} ${password}` }] }, key);
  log.error({ err: new Error(`refused: ${jwt}`), body: { refreshToken: refresh } }, `set up with ${setup}`);
}
const SECRETS = [
  jwt,
  refresh,
  setup,
  token,
  's3cret-pw',
  'MIGHAgEAMBMGByqGSM49',
  JSON.stringify(password).slice(1, -1),
];

describe('the log', () => {
  it.each(['json', 'pretty'] as const)('(%s) never holds the token, a password or a private key', async (format) => {
    const { lines, destination } = sink();
    const log = await openLog({ level: 'info', format, destination, secrets: new Set([token, password]) });
    spill(log);
    const all = lines.join('');
    expect(lines.length).toBeGreaterThanOrEqual(6);
    for (const secret of SECRETS) expect(all).not.toContain(secret);
    expect(all).toContain('[redacted]');
    expect(all).toContain('db.example');
  });

  it('would hold them all without the redaction (positive control)', () => {
    const { lines, destination } = sink();
    spill(pino({ base: {} }, destination));
    for (const secret of SECRETS) expect(lines.join('')).toContain(secret);
  });

  it('hides a secret that is learnt later, and stays JSON', async () => {
    const { lines, destination } = sink();
    const secrets = new Set<string>();
    const log = await openLog({ level: 'info', format: 'json', destination, secrets });
    secrets.add(token);
    log.info({ run: 'run-1', round: 2 }, `token ${token}`);
    expect(JSON.parse(lines[0]!)).toMatchObject({ run: 'run-1', round: 2, msg: 'token [redacted]' });
  });

  it('tells a Fault by its code and facts, and its causes to the end', async () => {
    const { lines, destination } = sink();
    const log = await openLog({ level: 'info', format: 'auto', destination });
    log.error({ err: new Fault('PORT_IN_USE', { port: 80 }, new Error('EADDRINUSE')) }, 'start');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      err: { code: 'PORT_IN_USE', message: expect.stringContaining('port: 80'), cause: { message: 'EADDRINUSE' } },
    });
  });

  it('is lines that people can read where a terminal looks', async () => {
    const { lines, destination } = sink();
    const log = await openLog({ level: 'info', format: 'auto', destination: { ...destination, isTTY: true } });
    log.info({ run: 'run-1' }, 'run created');
    expect(lines.join('')).toContain('run created');
    expect(() => JSON.parse(lines.join('')) as unknown).toThrow();
  });

  it('takes what Nest says, with its context, and its start-up lines as detail', async () => {
    const { lines, destination } = sink();
    const log = await openLog({ level: 'debug', format: 'json', destination });
    const nest = new NestLog(log);
    nest.log('starting', 'NestFactory');
    nest.error(new Error('broken'), undefined, 'Router');
    nest.warn('careful');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 20, context: 'NestFactory', msg: 'starting' },
      { level: 50, context: 'Router', err: { message: 'broken' } },
      { level: 40, msg: 'careful' },
    ]);
  });
});
