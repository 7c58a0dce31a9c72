import type { PrismaClient } from '../generated/client.js';
import { PrismaEnrolmentStore } from '../adapters/prisma/enrolments.js';
import type { HubAddress } from '../hub/hub.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Log } from '../log.js';
import type { Settings } from '../settings.js';
import type { Clock } from '@consilium/stdx';
import type { CoordinatorIdentity } from './identity-folder.js';
import { Membership } from './membership.js';
import { OwnCertificate } from './own-certificate.js';
import { PublicAddress } from './public-address.js';

/**
 * Who belongs, the door with its own fresh certificate, and the ledger that names nobody else from now on: once the
 * ledger is open and before anybody is let in.
 */
export async function openSites(
  { federation, grpc }: Pick<Settings, 'federation' | 'grpc'>,
  world: {
    readonly identity: CoordinatorIdentity;
    readonly prisma: PrismaClient;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<{ readonly membership: Membership; readonly hub: HubAddress; readonly ledger: Ledger }> {
  const { host, port, advertise } = grpc;
  const store = new PrismaEnrolmentStore(world.prisma);
  const membership = await Membership.open({ ...world, federation, store });
  const address = new PublicAddress(host, advertise, world.identity.hosts);
  const certificate = await OwnCertificate.issue({ ...world, federation, hosts: address.hosts });
  const { ledger } = membership.world;
  return { membership, ledger, hub: { federation, host, port, certificate, public: address } };
}
