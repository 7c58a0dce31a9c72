import { ServerCredentials } from '@grpc/grpc-js';
import type { SecureContextOptions } from 'node:tls';

/** Certificates and key as PEM text; `ca` is the federation's authority. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Mutual TLS 1.3. grpc-js' own `createSsl` would also take TLS 1.2, where the client certificate, and so the site's
 * name, crosses the network in clear.
 */
export class MutualTls extends ServerCredentials {
  constructor(files: TlsFiles) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, contextOf(files));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

export const contextOf = ({ ca, certificate, privateKey }: TlsFiles): SecureContextOptions => ({
  ca,
  cert: certificate,
  key: privateKey,
  minVersion: 'TLSv1.3',
});
