import { createIntermediate, createRoot, issueLeaf, newRequest, type Issued, type Subject } from '@consilium/identity';
import { Fault, siteName, type Code, type SiteName } from '@consilium/stdx';
import { afterEach } from 'vitest';
import {
  HubServer,
  siteChannel,
  welcomeOf,
  type HubHandlers,
  type HubOptions,
  type Refusal,
  type SiteChannel,
  type SiteChannelOptions,
  type TlsFiles,
} from './index.js';

export const berlin = siteName('berlin');
export const aarhus = siteName('aarhus');
export const HOST = '127.0.0.1';

export interface Authority {
  readonly federation: string;
  readonly root: Issued;
  readonly intermediate: Issued;
}

export async function foundAuthority({ federation = 'demo', now = Date.now(), days = 1 } = {}): Promise<Authority> {
  const root = await createRoot({ federation, now, days });
  return { federation, root, intermediate: await createIntermediate({ root, federation, now, days }) };
}

/** The files of one member of a federation. */
export async function membership(
  { federation, root, intermediate }: Authority,
  subject: Subject,
  hours = 24,
  now = Date.now(),
): Promise<TlsFiles> {
  const { csr, privateKeyPem } = await newRequest();
  const hosts = subject.kind === 'site' ? [] : [HOST];
  const { chainPem } = await issueLeaf({ intermediate, federation, subject, csr, hosts, now, hours });
  return { ca: root.certificatePem, certificate: chainPem, privateKey: privateKeyPem };
}

export interface Federation {
  readonly authority: Authority;
  readonly coordinator: TlsFiles;
  readonly berlin: TlsFiles;
  readonly aarhus: TlsFiles;
}

export async function foundFederation(federation = 'demo'): Promise<Federation> {
  const authority = await foundAuthority({ federation });
  return {
    authority,
    coordinator: await membership(authority, { kind: 'coordinator' }),
    berlin: await membership(authority, { kind: 'site', name: berlin }),
    aarhus: await membership(authority, { kind: 'site', name: aarhus }),
  };
}

const unwanted = (): never => {
  throw new Error('this test expects no such call');
};

/** Handlers of which a test gives those it is about. */
export const handlersOf = (given: Partial<HubHandlers>): HubHandlers => ({
  greet: (site) => welcomeOf({ site, software: 'test', nowMs: 1 }),
  session: unwanted,
  query: unwanted,
  upload: unwanted,
  download: unwanted,
  ...given,
});

const opened: { close(): unknown }[] = [];
/** Closes what a test opened, latest first. */
afterEach(async () => {
  for (const { close } of opened.splice(0).reverse()) await close();
});
export const closing = (close: () => unknown): void => void opened.push({ close });

export interface Hub {
  readonly server: HubServer;
  readonly port: number;
  readonly refusals: Refusal[];
}

export async function openHub(
  files: TlsFiles,
  handlers: Partial<HubHandlers> = {},
  options: Partial<HubOptions> = {},
): Promise<Hub> {
  const refusals: Refusal[] = [];
  const server = new HubServer({
    ...files,
    federation: 'demo',
    handlers: handlersOf(handlers),
    report: (refusal) => refusals.push(refusal),
    ...options,
  });
  const port = await server.listen(HOST, 0);
  closing(() => server.shutdown(0));
  return { server, port, refusals };
}

export function openChannel(files: TlsFiles, port: number, options: Partial<SiteChannelOptions> = {}): SiteChannel {
  const channel = siteChannel({
    ...files,
    federation: 'demo',
    address: `${HOST}:${port}`,
    software: 'test',
    ...options,
  });
  closing(() => channel.close());
  return channel;
}

/** The code of the Fault that the work ends in, or `done`. */
export const codeOf = async (work: Promise<unknown> | (() => unknown)): Promise<Code | 'done'> => {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'done';
  } catch (error) {
    if (!Fault.is(error)) throw error;
    return error.code;
  }
};

/** A promise that a test settles by hand. */
export function gate<T = void>(): { readonly opens: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const opens = new Promise<T>((resolve) => (open = resolve));
  return { opens, open: (value) => open(value) };
}

export type { SiteName };
