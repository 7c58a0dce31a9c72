import type { SiteStore } from '../ports.js';
import { HubServer, type Refusal, type TlsFiles } from '@consilium/wire';
import type { Intake } from '../intake/intake.js';
import type { Conductor } from '../runs/conductor.js';
import type { RunWorld } from '../runs/world.js';
import { hubHandlers } from './handlers.js';

export interface HubAddress {
  readonly federation: string;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles;
}

/** How long running transfers may go on when the program is asked to end; they resume at the next start. */
const GRACE_MS = 2000;

/** The door for the hospitals' agents: gRPC over mutual TLS. */
export class Hub {
  readonly #server: HubServer;

  /** Throws CERTIFICATE_INVALID. */
  constructor(
    private readonly address: HubAddress,
    parts: { readonly conductor: Conductor; readonly intake: Intake; readonly sites: SiteStore },
    world: RunWorld,
  ) {
    const { federation, tls } = address;
    const report = ({ method, fault, peer }: Refusal): void => {
      const level = fault.code === 'INTERNAL' ? 'error' : 'debug';
      world.log[level]({ method, site: peer, err: fault }, 'a call was refused');
    };
    this.#server = new HubServer({
      ...tls,
      federation,
      handlers: hubHandlers(parts, world),
      report,
      now: () => world.clock.now(),
    });
  }

  /** Answers the port. Faults: PORT_IN_USE, UNAVAILABLE. */
  listen(): Promise<number> {
    return this.#server.listen(this.address.host, this.address.port);
  }

  close(): Promise<void> {
    return this.#server.shutdown(GRACE_MS);
  }
}
