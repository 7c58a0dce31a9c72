import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';

/** A certificate that no federation has issued, with its chain, made by the openssl command. */
export interface Stranger {
  /** What a server shows: the leaf, and its authority after it. */
  readonly tls: TlsOptions & { cert: string; key: string };
  readonly leaf: string;
  readonly authority: string;
}

/** `names` is the subject alternative name as openssl writes it, such as `DNS:coordinator`. */
export const stranger = (names: string, organisation = 'Ward 7 Inspection'): Stranger =>
  inFolder(({ make, read }) => {
    make('-subj', `/O=${organisation}`, '-keyout', 'ca.key', '-out', 'ca.pem');
    make('-CA', 'ca.pem', '-CAkey', 'ca.key', ...leafNamed(names), '-keyout', 'key', '-out', 'leaf.pem');
    const [leaf, authority] = [read('leaf.pem'), read('ca.pem')];
    return { leaf, authority, tls: { cert: leaf + authority, key: read('key') } };
  });

/** A leaf that vouches for itself. */
export const selfSigned = (names: string): { certificate: string; privateKey: string } =>
  inFolder(({ make, read }) => {
    make(...leafNamed(names), '-keyout', 'key', '-out', 'leaf.pem');
    return { certificate: read('leaf.pem'), privateKey: read('key') };
  });

const leafNamed = (names: string): readonly string[] => [
  ...['-subj', '/CN=proxy', '-addext', 'basicConstraints=critical,CA:FALSE'],
  ...['-addext', `subjectAltName=${names}`],
];

function inFolder<T>(work: (tools: { make(...args: string[]): void; read(name: string): string }) => T): T {
  const cwd = mkdtempSync(join(tmpdir(), 'consilium-stranger-'));
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  try {
    return work({
      make: (...args) => void execFileSync('openssl', [...request, ...args], { cwd, stdio: 'ignore' }),
      read: (name) => readFileSync(join(cwd, name), 'utf8'),
    });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
