import { ChannelCredentials, type ClientDuplexStream, type ClientWritableStream } from '@grpc/grpc-js';
import { createSecureContext } from 'node:tls';
import { openClients } from './clients.js';
import { closing, HOST } from './federation.fixture.js';
import type {
  CoordinatorMessage,
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

/** A site without manners: sends whatever a test says, and trusts any coordinator of its authority. */
export function rawClient(files: TlsFiles, port: number) {
  const credentials = ChannelCredentials.createFromSecureContext(createSecureContext(contextOf(files)), {
    checkServerIdentity: () => undefined,
  });
  const clients = openClients(`dns:${HOST}:${port}`, credentials, { up: 0, down: 0 }, 10_000);
  closing(() => clients.close());
  return {
    clients,
    greet: (hello: HelloInit): Promise<Welcome> =>
      unary((options, done) => clients.sites.Greet(hello, options, done), 5_000),
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
