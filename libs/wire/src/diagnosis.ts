import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { Fault } from '@consilium/stdx';
import type { Address } from './address.js';
import type { coordinatorCheck } from './coordinator-identity.js';
import { shownChain, strangerFault } from './interception.js';
import { codeOfVerification } from './verification.js';

const PROBE_MS = 3_000;

/** Where a channel leads, and what it shows and trusts there. */
export interface Target extends Address {
  readonly context: SecureContext;
  readonly check: ReturnType<typeof coordinatorCheck>;
}

/**
 * Finds out why the coordinator is UNAVAILABLE. grpc-js keeps only a text of what went wrong below it, so this makes one
 * or two more connections of its own, sends nothing over them, and reads the cause from the TLS handshake. Answers the
 * more telling Fault, or the given one where nothing was learnt. Takes at most 6 s.
 */
export async function diagnose(fault: Fault, target: Target): Promise<Fault> {
  if (fault.code !== 'UNAVAILABLE') return fault;
  const found = await probe(target);
  if (found === 'fine') return fault;
  if (found && found.code !== 'PEER_CERTIFICATE_FOREIGN') return found;
  // Who is it then? A proxy that speaks only TLS 1.2 did not even come as far as its certificate.
  const chain = await shownChain(target, PROBE_MS).catch(() => []);
  if (found) return strangerFault(chain, found);
  const stranger = strangerFault(chain, fault);
  return stranger.code === 'TLS_INTERCEPTED' ? stranger : fault;
}

/** One handshake: what it told, `fine` where the coordinator took us, undefined where it ended without a reason. */
function probe({ host, port, context, check }: Target): Promise<Fault | 'fine' | undefined> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      secureContext: context,
      servername: 'coordinator',
      checkServerIdentity: check,
      ALPNProtocols: ['h2'],
      timeout: PROBE_MS,
    });
    let shaken = false;
    const answer = (found: Fault | 'fine' | undefined): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('secureConnect', () => (shaken = true));
    // An HTTP/2 server speaks first: it has accepted our certificate, so the trouble was passing.
    socket.once('data', () => answer('fine'));
    socket.once('timeout', () => answer(undefined));
    socket.on('error', (error) => answer(reasonOf(error, shaken)));
    // In TLS 1.3 a server judges the client's certificate after its own handshake is done.
    socket.once('close', () => answer(shaken ? new Fault('CERTIFICATE_REFUSED') : undefined));
  });
}

function reasonOf(error: Error, shaken: boolean): Fault | undefined {
  if (Fault.is(error)) return error;
  const known = codeOfVerification(error, 'PEER_NOT_THE_COORDINATOR');
  if (known) return new Fault(known, {}, error);
  const code = 'code' in error ? String(error.code) : '';
  const refused = shaken || /ALERT_(CERTIFICATE|UNKNOWN_CA|BAD_CERTIFICATE)/.test(code);
  return refused ? new Fault('CERTIFICATE_REFUSED', {}, error) : undefined;
}
