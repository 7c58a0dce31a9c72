import { enrolmentChannel, siteChannel, type EnrolmentChannel, type SiteChannel } from '@consilium/wire';
import type { Identity } from './identity.js';
import type { Settings } from './settings.js';
import { SOFTWARE } from './version.js';

/** The channel that speaks to this federation's coordinator and to nobody else. */
export function openChannel(
  { coordinator, federation }: Pick<Settings, 'coordinator' | 'federation'>,
  { rootPem, certificatePem, privateKeyPem }: Pick<Identity, 'rootPem' | 'certificatePem' | 'privateKeyPem'>,
): SiteChannel {
  return siteChannel({
    ca: rootPem,
    certificate: certificatePem,
    privateKey: privateKeyPem,
    address: coordinator.address,
    federation,
    software: SOFTWARE,
  });
}

/** Where the site asks for certificates. It shows none, and is met by nobody but who leads to the known root. */
export const openEnrolment = (
  { coordinator }: Pick<Settings, 'coordinator'>,
  { rootPem }: Pick<Identity, 'rootPem'>,
): EnrolmentChannel => enrolmentChannel({ address: coordinator.address, root: rootPem });
