import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import {
  ChannelCredentials,
  makeClientConstructor,
  type ClientDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { fromStatus, services, type CoordinatorMessage, type SiteMessageInit } from '@consilium/wire';

/** What a peer shows: any certificate, or none. */
export interface Shown {
  readonly ca: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** The code in which a call ends, or `done`. */
export type Code = string;

const ANSWER_MS = 10_000;

/** A gRPC peer without manners: no limits, no checks, and whatever message a test wants to send. */
export class RudePeer {
  readonly #clients: { close(): void }[] = [];

  constructor(
    private readonly address: string,
    private readonly shown: Shown,
    private readonly options: Record<string, number> = {},
  ) {}

  greet(hello: object = { protocolVersion: 1 }): Promise<Code> {
    return this.#unary(services.sites, 'Greet', hello);
  }

  query(header: object): Promise<Code> {
    return this.#unary(services.updates, 'Query', header);
  }

  join(request: object): Promise<Code> {
    return this.#unary(services.enrolment, 'Join', request);
  }

  /** A method that the coordinator does not have. */
  unknown(): Promise<Code> {
    const Greet = { ...services.sites.Greet, path: '/consilium.v1.Sites/DropAllTables' };
    return this.#unary({ Greet }, 'Greet', {});
  }

  upload(messages: readonly object[]): Promise<Code> {
    return new Promise((resolve) => {
      const call = this.#client(services.updates)['Upload']!((error: unknown) => resolve(codeOf(error)));
      for (const message of messages) call.write(message);
      call.end();
    });
  }

  download(request: object): Promise<Code> {
    return this.#read(this.#client(services.models)['Download']!(request));
  }

  /** Opens a session, says this, and stays until the coordinator ends it. */
  session(
    messages: readonly SiteMessageInit[],
    onMessage: (message: CoordinatorMessage) => void = () => {},
  ): Promise<Code> {
    const call = this.#client(services.rounds)['Session']!() as ClientDuplexStream<SiteMessageInit, CoordinatorMessage>;
    call.on('data', onMessage);
    for (const message of messages) call.write(message);
    return this.#read(call);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #unary(service: ServiceDefinition, method: string, request: object): Promise<Code> {
    return new Promise((resolve) => {
      const deadline = Date.now() + ANSWER_MS;
      this.#client(service)[method]!(request, { deadline }, (error: unknown) => resolve(codeOf(error)));
    });
  }

  #read(call: Readable): Promise<Code> {
    return new Promise((resolve) => {
      call.on('error', (error) => resolve(codeOf(error)));
      call.on('end', () => resolve('done'));
      call.resume();
    });
  }

  #client(service: ServiceDefinition): Record<string, (...args: unknown[]) => ClientDuplexStream<unknown, unknown>> {
    const { ca, certificate: cert, privateKey: key } = this.shown;
    const context = createSecureContext({ ca, cert, key });
    const credentials = ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: () => undefined });
    const client = new (makeClientConstructor(service, ''))(this.address, credentials, {
      'grpc.ssl_target_name_override': 'coordinator',
      'grpc.use_local_subchannel_pool': 1,
      ...this.options,
    });
    this.#clients.push(client);
    return client as never;
  }
}

const codeOf = (error: unknown): Code => (error ? fromStatus(error).code : 'done');
