import { createHash, randomBytes } from 'node:crypto';
import { Fault, type Clock } from '@consilium/stdx';
import type { Terminal } from '../terminal.js';
import type { LoginApi, Tokens } from './api.js';
import { Loopback } from './loopback.js';

export interface LoginPorts {
  readonly api: LoginApi;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Through the identity provider, by a browser on this machine: authorization code with PKCE (RFC 8252, RFC 7636). */
export async function logInByBrowser({ api, terminal, clock, signal }: LoginPorts, stepUp: boolean): Promise<Tokens> {
  const [state, verifier] = [randomBytes(24).toString('base64url'), randomBytes(32).toString('base64url')];
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const loopback = await Loopback.open(state, clock, signal);
  const { redirectUri } = loopback;
  try {
    terminal.err('Open this address in a browser on this machine:');
    terminal.err('');
    terminal.err(`  ${api.browserAddress(redirectUri, challenge, state, stepUp)}`);
    terminal.err('');
    return await api.exchange({ code: await loopback.code, verifier, redirectUri });
  } finally {
    loopback.close();
  }
}

/** With an account of the coordinator: a password, and a code of the authenticator app or a recovery code. */
export async function logInByName({ api, terminal }: LoginPorts, login: string): Promise<Tokens> {
  const password = await asked(terminal, 'Password: ', true);
  const code = (await asked(terminal, 'One-time code: ', false)).trim();
  return api.local({ login, password, code });
}

/** The first login: the secret that an admin handed over is exchanged for a password and a second factor. */
export async function setUp({ api, terminal }: LoginPorts): Promise<readonly string[]> {
  const secret = (await asked(terminal, 'Set-up secret: ', true)).trim();
  const enrolment = await api.beginSetup(secret);
  terminal.err(
    `This is the account ${enrolment.login}. Give your authenticator app this secret, or the address below it:`,
  );
  terminal.err('');
  terminal.err(`  ${enrolment.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}`);
  terminal.err(`  ${enrolment.uri}`);
  terminal.err('');
  const password = await newPassword(terminal);
  const code = (await asked(terminal, 'One-time code: ', false)).trim();
  return (await api.completeSetup({ secret, password, code })).recoveryCodes;
}

async function newPassword(terminal: Terminal): Promise<string> {
  const password = await asked(terminal, 'New password, at least 12 characters: ', true);
  if ((await asked(terminal, 'The same again: ', true)) === password) return password;
  throw new Fault('USAGE', { expected: 'the same password twice' });
}

function asked(terminal: Terminal, question: string, secret: boolean): Promise<string> {
  if (!terminal.ask) throw new Fault('USAGE', { expected: 'a terminal where one can be asked' });
  return terminal.ask(question, secret);
}
