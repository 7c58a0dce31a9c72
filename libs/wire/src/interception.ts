import { createHash, X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { Fault } from '@consilium/stdx';
import type { Address } from './address.js';

/** Chains are short; the bound only keeps a hostile one from growing. */
const CHAIN_MAX = 8;

/**
 * The certificates (DER, the leaf first) that a server shows to whoever asks. Nothing is verified, nothing sent, and no
 * certificate shown: this only looks. TLS 1.2 is allowed, since many an inspecting proxy speaks nothing newer.
 *
 * Faults: UNAVAILABLE where no handshake comes about, TIMEOUT.
 */
export function shownChain({ host, port }: Address, ms: number): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      servername: 'coordinator',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: ms,
    });
    const fail = (fault: Fault): void => {
      reject(fault);
      socket.destroy();
    };
    socket.once('secureConnect', () => {
      resolve(chainOf(socket.getPeerCertificate(true)));
      // Not cut off: our part of the handshake is still on its way, and its lack would look like an attack.
      socket.end();
    });
    socket.once('timeout', () => fail(new Fault('TIMEOUT', { afterMs: ms })));
    socket.on('error', (error) => fail(new Fault('UNAVAILABLE', {}, error)));
    socket.once('close', () => fail(new Fault('UNAVAILABLE')));
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  // Node links the issuer of a self-signed certificate to itself.
  for (let at = leaf; at?.raw && chain.length < CHAIN_MAX; at = at.issuerCertificate) {
    chain.push(at.raw);
    if (at.issuerCertificate === at) break;
  }
  return chain;
}

/**
 * Names a server whose chain does not lead to our root. One with a SPIFFE id belongs to a federation, though not to
 * ours: answers `foreign` then. Anything else is no coordinator at all: a proxy that opens TLS on its way, or a wrong
 * address. Of its certificate nothing is told but what an administrator can compare: the SHA-256 of the last one that it
 * showed, the proxy's authority as a rule, and whether it has the shape of the public web's, which name hosts.
 */
export function strangerFault(chain: readonly Uint8Array[], foreign: Fault): Fault {
  const [leaf] = chain;
  if (!leaf) return foreign;
  try {
    const { subjectAltName = '' } = new X509Certificate(leaf);
    if (/(?:^|, )URI:"?spiffe:\/\//.test(subjectAltName)) return foreign;
    const publiclyShaped = /(?:^|, )(?:DNS|IP Address):/.test(subjectAltName);
    return new Fault('TLS_INTERCEPTED', { issuerSha256: sha256(chain.at(-1)!), publiclyShaped });
  } catch (error) {
    return new Fault(foreign.code, foreign.facts, error);
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
