import 'reflect-metadata';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { isErrno, lockState, systemClock } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { makeFolder } from './adapters/disk/files.js';
import { DiskModelFiles } from './adapters/disk/models.js';
import { DiskSpool } from './adapters/disk/spool.js';
import { openDatabase } from './adapters/prisma/database.js';
import { PrismaRegistry, PrismaRunStore } from './adapters/prisma/runs.js';
import { PrismaSiteStore, PrismaStudyStore } from './adapters/prisma/studies.js';
import { WorkerArithmetic } from './adapters/worker/arithmetic.js';
import { AppModule, type Resources } from './app.module.js';
import { serveDocumentation } from './http/documentation.js';
import { RunEvents } from './http/run-events.js';
import { Hub } from './hub/hub.js';
import { openLedgerInState } from './ledger/open-in-state.js';
import { LogDesks } from './ledger/log-desks.js';
import { NestLog, type Log } from './log.js';
import { Conductor } from './runs/conductor.js';
import { openPeople } from './people/open.js';
import type { Settings } from './settings.js';
import { readIdentity } from './sites/identity-folder.js';
import { openSites } from './sites/open.js';

export interface Coordinator {
  readonly http: number;
  readonly grpc: number;
  /** Ends sessions and streams, lets work settle, closes the database, gives the state back. */
  close(): Promise<void>;
}

/** Everything that must be undone, in reverse order, whether the start succeeded or not. */
type Undo = (() => Promise<void>)[];

/**
 * Starts a coordinator: the state is locked before anything in it is opened, runs are taken up before a site can
 * connect, and people are let in last. A start that fails gives everything back.
 */
export async function startCoordinator(
  settings: Settings,
  {
    log,
    secrets,
    fatal,
  }: { readonly log: Log; readonly secrets: Set<string>; readonly fatal: (error: unknown) => void },
): Promise<Coordinator> {
  const undo: Undo = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse())
      await step().catch((err: unknown) => log.warn({ err }, 'while ending'));
  };
  try {
    await makeFolder(settings.state);
    const lock = await lockState(settings.state);
    undo.push(() => lock.release());
    const resources = await openResources(settings, { log, fatal, secrets }, undo);
    return { ...(await serve(settings, resources, undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openResources(
  settings: Settings,
  { secrets, ...given }: Pick<Resources, 'log' | 'fatal'> & { readonly secrets: Set<string> },
  undo: Undo,
): Promise<Resources> {
  const { state, federation, databaseUrl, modelBytesMax } = settings;
  const folder = (name: string): string => join(state, name);
  const identity = await readIdentity(settings.identity, federation);
  for (const name of ['spool', 'models']) await makeFolder(folder(name));

  const started = performance.now();
  const database = await openDatabase(databaseUrl === undefined ? { folder: folder('db') } : { url: databaseUrl });
  undo.push(() => database.close());
  const { kind, migrated, prisma } = database;
  given.log.info({ database: kind, migrated, ms: Math.round(performance.now() - started) }, 'database open');

  const world = { ...given, ...identity, federation, prisma, clock: systemClock };
  const inState = await openLedgerInState(state, world);
  undo.push(() => inState.openLedger.close());

  const arithmetic = new WorkerArithmetic(systemClock);
  undo.push(() => arithmetic.close());
  return {
    ...given,
    ...inState,
    ...(await openSites(settings, { ...world, identity, ledger: inState.ledger })),
    arithmetic,
    clock: systemClock,
    rules: { federation, modelBytesMax },
    sites: new PrismaSiteStore(prisma),
    studies: new PrismaStudyStore(prisma),
    runs: new PrismaRunStore(prisma),
    registry: new PrismaRegistry(prisma),
    people: await openPeople(settings, prisma, secrets),
    spool: new DiskSpool(folder('spool')),
    models: new DiskModelFiles(folder('models')),
  };
}

async function serve(
  { http }: Settings,
  resources: Resources,
  undo: Undo,
): Promise<{ readonly http: number; readonly grpc: number }> {
  // Streams that stay open would hold the server's end for ever; they are ended first, and what is left is cut off.
  const adapter = new FastifyAdapter({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(resources), adapter, {
    logger: new NestLog(resources.log),
    abortOnError: false,
  });
  undo.push(() => app.close());
  serveDocumentation(app);

  const [conductor, hub, events] = [app.get(Conductor), app.get(Hub), app.get(RunEvents)];
  undo.push(async () => app.get(LogDesks).witnesses.close());
  undo.push(() => conductor.close());
  await conductor.resume();
  const grpcPort = await hub.listen();
  undo.push(() => hub.close());
  await listen(app, http);
  undo.push(async () => events.close());
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { http: port, grpc: grpcPort };
}

/** A plan of the largest graph is well below this. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

async function listen(app: NestFastifyApplication, { host, port }: Settings['http']): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) throw new Fault('PORT_IN_USE', { port }, error);
    throw error instanceof Error && 'code' in error ? new Fault('UNAVAILABLE', { port }, error) : error;
  }
}
