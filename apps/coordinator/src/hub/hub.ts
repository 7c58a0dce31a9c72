import { HubServer, type Refusal } from '@consilium/wire';
import type { Intake } from '../intake/intake.js';
import type { Conductor } from '../runs/conductor.js';
import type { SiteStore } from '../ports.js';
import type { RunWorld } from '../runs/world.js';
import type { Enrolment } from '../sites/enrolment.js';
import type { OwnCertificate } from '../sites/own-certificate.js';
import type { PublicAddress } from '../sites/public-address.js';
import type { SiteRegister } from '../sites/register.js';
import type { Revocations } from '../sites/revocations.js';
import { hubHandlers, type Witnesses } from './handlers.js';

export interface HubAddress {
  readonly federation: string;
  readonly host: string;
  readonly port: number;
  readonly certificate: OwnCertificate;
  /** What agents are told to dial. */
  readonly public: PublicAddress;
}

/** Who may come in, and how one becomes somebody who may. */
export interface HubGate {
  readonly register: SiteRegister;
  readonly revocations: Revocations;
  readonly enrolment: Enrolment;
}

/** How long running transfers may go on when the program is asked to end; they resume at the next start. */
const GRACE_MS = 2000;

/** The door for the hospitals' agents: gRPC over mutual TLS, and enrolment for those who have no certificate. */
export class Hub {
  readonly #server: HubServer;

  /** Throws CERTIFICATE_INVALID. */
  constructor(
    private readonly address: HubAddress,
    parts: {
      readonly conductor: Conductor;
      readonly intake: Intake;
      readonly sites: SiteStore;
      readonly witnesses: Witnesses;
    },
    { register, revocations, enrolment }: HubGate,
    world: RunWorld,
  ) {
    const { federation, certificate } = address;
    const report = ({ method, fault, peer }: Refusal): void => {
      const level = fault.code === 'INTERNAL' ? 'error' : 'debug';
      world.log[level]({ method, site: peer, err: fault }, 'a call was refused');
    };
    this.#server = new HubServer({
      ...certificate.files,
      federation,
      handlers: { ...hubHandlers(parts, world), enrolment },
      authorise: (site, spki) => register.authorise(site, spki),
      report,
      now: () => world.clock.now(),
    });
    revocations.onRevoked((site) => this.#server.disconnect(site));
    certificate.keepFresh((files) => this.#server.replaceCertificate(files));
  }

  /** Answers the port. Faults: PORT_IN_USE, UNAVAILABLE. */
  async listen(): Promise<number> {
    const port = await this.#server.listen(this.address.host, this.address.port);
    this.address.public.listening(port);
    return port;
  }

  close(): Promise<void> {
    this.address.certificate.close();
    return this.#server.shutdown(GRACE_MS);
  }
}
