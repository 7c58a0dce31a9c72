import { createHash, X509Certificate } from 'node:crypto';
import { describe as describeCode, Fault } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { foundFederation, openChannel, type Federation } from './federation.fixture.js';
import { contextOf } from './hub-credentials.js';
import { impostor } from './impostor.fixture.js';
import { strangerFault } from './interception.js';
import { selfSigned, stranger } from './strangers.fixture.js';

let demo: Federation;
let other: Federation;
beforeAll(async () => {
  [demo, other] = await Promise.all([foundFederation(), foundFederation('other')]);
});

const sha256 = (pem: string): string => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');

/** The Fault that a site of the demo federation is told when this answers at the coordinator's address. */
async function faultAt(port: number): Promise<Fault> {
  const error: unknown = await openChannel(demo.berlin, port)
    .greet()
    .catch((reason: unknown) => reason);
  if (!Fault.is(error)) throw error;
  return error;
}

describe('a proxy that opens TLS on its way', () => {
  it('is recognised and named: what an administrator can compare, and not a word of its own', async () => {
    const proxy = stranger('DNS:coordinator', 'Charité Klinik Proxy CANARY');
    const fault = await faultAt(await impostor(proxy.tls));
    expect(fault.code).toBe('TLS_INTERCEPTED');
    expect(fault.facts).toEqual({ issuerSha256: sha256(proxy.authority), publiclyShaped: true });
    expect(describeCode(fault.code, fault.facts)).not.toMatch(/canary|charit|klinik/i);
    expect(fault.cause).toBeUndefined();
  });

  it('is recognised where it speaks only TLS 1.2', async () => {
    const { tls } = stranger('IP:127.0.0.1');
    const port = await impostor({ ...tls, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    expect(await faultAt(port)).toMatchObject({ code: 'TLS_INTERCEPTED', facts: { publiclyShaped: true } });
  });

  it('is recognised where it shows its leaf alone, or one that names no host', async () => {
    const { certificate, privateKey } = selfSigned('email:it@hospital.example');
    const fault = await faultAt(await impostor({ cert: certificate, key: privateKey }));
    expect(fault).toMatchObject({ code: 'TLS_INTERCEPTED' });
    expect(fault.facts).toEqual({ issuerSha256: sha256(certificate), publiclyShaped: false });
  });

  it('is told apart from the coordinator of another federation', async () => {
    expect(await faultAt(await impostor(contextOf(other.coordinator)))).toMatchObject({
      code: 'PEER_CERTIFICATE_FOREIGN',
    });
  });

  it('is told apart from our own coordinator that merely does not answer', async () => {
    const old = { ...contextOf(demo.coordinator), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    expect(await faultAt(await impostor(old))).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a chain that cannot be read', () => {
  const foreign = new Fault('PEER_CERTIFICATE_FOREIGN');

  it('tells nothing more', () => {
    expect(strangerFault([], foreign)).toBe(foreign);
    expect(strangerFault([Buffer.from('garbage')], foreign).code).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it('and a name that only looks like a SPIFFE id does not count as one', () => {
    const { certificate } = selfSigned('DNS:URI:spiffe.example,URI:https://spiffe://demo');
    const { code } = strangerFault([new X509Certificate(certificate).raw], foreign);
    expect(code).toBe('TLS_INTERCEPTED');
  });
});
