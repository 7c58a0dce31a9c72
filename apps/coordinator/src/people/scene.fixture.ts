import { APP_FILTER, APP_PIPE, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ManualClock } from '@consilium/stdx';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { MemoryRegistry, MemoryRunStore, MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { asker, type Answer, type Question } from '../fixtures/api.fixture.js';
import { TOKEN } from '../fixtures/hub.fixture.js';
import { FaultFilter } from '../http/errors.js';
import { validation } from '../http/validation.js';
import { MemoryLedger } from '../ledger/memory-ledger.js';
import type { Log } from '../log.js';
import { AccessTokens } from './access-tokens.js';
import { memoryPeople } from './people.fixture.js';
import { newPersonId, type PersonId } from './person-id.js';
import { PEOPLE_CONTROLLERS, peopleProviders, type PeopleResources } from './providers.js';
import type { Grant } from './roles.js';

const START = Date.UTC(2026, 10, 25, 8);

export interface SceneChange extends Partial<PeopleResources> {
  readonly log?: Log;
  /** Routes beside those of people. */
  readonly controllers?: readonly (new (...args: never[]) => object)[];
}

class SceneModule {}

/** The people's part of a coordinator on a socket, with people of any role, on a clock that is moved by hand. */
export class Scene {
  readonly clock = new ManualClock(START);
  readonly ledger = new MemoryLedger();
  readonly tables = new MemoryTables();
  readonly tokens: AccessTokens;
  #app!: NestFastifyApplication;
  url = '';

  private constructor(readonly people: PeopleResources) {
    this.tokens = new AccessTokens(people.keys.accessToken, 'demo', this.clock);
  }

  static async open({ log, controllers = [], ...change }: SceneChange = {}): Promise<Scene> {
    const scene = new Scene({ ...memoryPeople(TOKEN), ...change });
    const { people, ledger, clock, tables } = scene;
    const stores = {
      studies: new MemoryStudyStore(tables),
      runs: new MemoryRunStore(tables),
      registry: new MemoryRegistry(tables),
    };
    const module = {
      module: SceneModule,
      controllers: [...PEOPLE_CONTROLLERS, ...controllers],
      providers: [
        ...peopleProviders({ people, ledger, clock, ...stores, rules: { federation: 'demo' } }),
        { provide: APP_FILTER, useValue: new FaultFilter(log ?? pino({ level: 'silent' })) },
        { provide: APP_PIPE, useFactory: validation },
      ],
    };
    const options = { logger: false as const, abortOnError: false };
    scene.#app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), options);
    await scene.#app.listen(0, '127.0.0.1');
    scene.url = `http://127.0.0.1:${(scene.#app.getHttpServer().address() as AddressInfo).port}`;
    return scene;
  }

  ask = (path: string, question?: Question): Promise<Answer> => asker(this.url)(path, question);
  close = (): Promise<void> => this.#app.close();

  /** Somebody with these roles. */
  async person(...grants: Grant[]): Promise<PersonId> {
    const id = newPersonId();
    const account = { id, name: 'Somebody', login: id.replace('person-', 'p'), subject: null, grants };
    await this.people.store.create({ ...account, createdMs: this.clock.now(), disabledMs: null });
    return id;
  }

  /** A token of theirs; they proved who they are just now unless said otherwise. */
  async tokenOf(person: PersonId, authMs = this.clock.now()): Promise<string> {
    const account = await this.people.store.find(person);
    return this.tokens.issue(person, account?.grants.map(({ role }) => role) ?? [], authMs);
  }

  /** The token of somebody new. */
  token = async (...grants: Grant[]): Promise<string> => this.tokenOf(await this.person(...grants));

  /** What the ledger tells about people, in order. */
  get told(): string[] {
    return this.ledger.events.map((event) => {
      if (event.type === 'user.login') return `login ${event.method}`;
      if (event.type === 'user.denied') return `denied ${event.code}`;
      return event.type === 'role.changed' ? `${event.granted ? '+' : '-'}${event.role}` : event.type;
    });
  }
}
