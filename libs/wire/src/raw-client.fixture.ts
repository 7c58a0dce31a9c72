import { ChannelCredentials, type ClientDuplexStream, type ClientWritableStream } from '@grpc/grpc-js';
import { createSecureContext } from 'node:tls';
import { openClients } from './clients.js';
import { closing, HOST } from './federation.fixture.js';
import type {
  CoordinatorMessage,
  EnrolmentReply,
  HelloInit,
  SiteMessageInit,
  TlsFiles,
  UploadMessageInit,
  UploadReceipt,
  Welcome,
} from './index.js';
import { contextOf } from './hub-credentials.js';
import { fromStatus } from './status.js';
import { unary } from './unary.js';

/** A peer without manners: sends whatever a test says, with whatever certificate or none, and trusts any coordinator. */
export function rawClient(files: Pick<TlsFiles, 'ca'> & Partial<TlsFiles>, port: number) {
  const context = createSecureContext(contextOf(files as TlsFiles));
  const credentials = ChannelCredentials.createFromSecureContext(context, {
    checkServerIdentity: () => undefined,
  });
  const clients = openClients(`dns:${HOST}:${port}`, credentials, { up: 0, down: 0 }, 10_000);
  closing(() => clients.close());
  return {
    clients,
    greet: (hello: HelloInit): Promise<Welcome> =>
      unary((options, done) => clients.sites.Greet(hello, options, done), 5_000),
    join: (envelope: Uint8Array, token = 'secret'): Promise<EnrolmentReply> =>
      unary(
        (options, done) => clients.enrolment.Join({ token, envelope: Buffer.from(envelope) }, options, done),
        5_000,
      ),
    session(): ClientDuplexStream<SiteMessageInit, CoordinatorMessage> {
      const call = clients.rounds.Session();
      call.on('error', () => {});
      return call;
    },
    upload(): { call: ClientWritableStream<UploadMessageInit>; answer: Promise<UploadReceipt> } {
      let settle: (error: unknown, receipt?: UploadReceipt) => void;
      const answer = new Promise<UploadReceipt>((resolve, reject) => {
        settle = (error, receipt) => (receipt ? resolve(receipt) : reject(fromStatus(error)));
      });
      // A test that looks at the answer later must not fail before.
      answer.catch(() => {});
      return { call: clients.updates.Upload((error, receipt) => settle(error, receipt)), answer };
    },
  };
}
