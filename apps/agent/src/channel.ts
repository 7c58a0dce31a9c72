import { readFile } from 'node:fs/promises';
import { Fault } from '@consilium/stdx';
import { siteChannel, type SiteChannel } from '@consilium/wire';
import type { Settings } from './settings.js';
import { SOFTWARE } from './version.js';

/** The files of the site's own certificate, as the settings name them. */
export async function readTls({
  tls,
}: Pick<Settings, 'tls'>): Promise<{ ca: string; certificate: string; privateKey: string }> {
  const [ca, certificate, privateKey] = await Promise.all([
    read('ca', tls.ca),
    read('certificate', tls.certificate),
    read('privateKey', tls.privateKey),
  ]);
  return { ca, certificate, privateKey };
}

/** The channel that speaks to this federation's coordinator and to nobody else. */
export async function openChannel(
  settings: Pick<Settings, 'tls' | 'coordinator' | 'federation'>,
): Promise<SiteChannel> {
  const { address, pin } = settings.coordinator;
  return siteChannel({
    ...(await readTls(settings)),
    address,
    federation: settings.federation,
    software: SOFTWARE,
    ...(pin !== undefined && { coordinatorPin: pin }),
  });
}

async function read(field: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', { field: `tls.${field}`, expected: 'a file that can be read' }, error);
  }
}
