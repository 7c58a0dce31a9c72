import type { DynamicModule, Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import type { Clock } from '@consilium/stdx';
import { FaultFilter } from './http/errors.js';
import { HealthController } from './http/health-controller.js';
import { ModelsController } from './http/models-controller.js';
import { RunEvents } from './http/run-events.js';
import { RunsController } from './http/runs-controller.js';
import { SitesController } from './http/sites-controller.js';
import { StudiesController } from './http/studies-controller.js';
import { TokenGuard } from './http/token-guard.js';
import { validation } from './http/validation.js';
import { Hub, type HubAddress } from './hub/hub.js';
import { Intake } from './intake/intake.js';
import type { Log } from './log.js';
import type { Arithmetic, ModelFiles, Registry, RunStore, SiteStore, Spool, StudyStore } from './ports.js';
import { ModelCatalog } from './registry/catalog.js';
import { RunCatalog } from './runs/catalog.js';
import { Conductor } from './runs/conductor.js';
import { RunFeed } from './runs/feed.js';
import type { RunWorld } from './runs/world.js';
import { SiteDirectory } from './sites/directory.js';
import { Sessions } from './sites/sessions.js';
import { Studies, type StudyRules } from './studies/studies.js';
import { Telemetry } from './telemetry.js';

/** The adapters of all ports, and the few values that the program is started with. */
export interface Resources {
  readonly sites: SiteStore;
  readonly studies: StudyStore;
  readonly runs: RunStore;
  readonly registry: Registry;
  readonly spool: Spool;
  readonly models: ModelFiles;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: StudyRules;
  readonly hub: HubAddress;
  readonly token: string;
  /** Ends the program after something that only a new start can mend. */
  readonly fatal: (error: unknown) => void;
}

const WORLD = Symbol('what runs need around them');

/** The composition root: the only place where a part learns which others it works with. */
export class AppModule {
  static of(resources: Resources): DynamicModule {
    const { sites, studies, registry, models, clock, log, rules, token, hub } = resources;
    const providers: Provider[] = [
      { provide: Sessions, useFactory: () => new Sessions() },
      { provide: RunFeed, useFactory: () => new RunFeed(clock) },
      { provide: Telemetry, useFactory: (sessions: Sessions) => new Telemetry(sessions), inject: [Sessions] },
      {
        provide: WORLD,
        useFactory: (sessions: Sessions, feed: RunFeed, telemetry: Telemetry): RunWorld => ({
          ...resources,
          sessions,
          observer: telemetry,
          changed: (run) => feed.changed(run),
        }),
        inject: [Sessions, RunFeed, Telemetry],
      },
      { provide: Conductor, useFactory: (world: RunWorld) => new Conductor(world), inject: [WORLD] },
      {
        provide: Intake,
        useFactory: (conductor: Conductor, world: RunWorld) => new Intake(conductor, world),
        inject: [Conductor, WORLD],
      },
      {
        provide: Hub,
        useFactory: (conductor: Conductor, intake: Intake, world: RunWorld) =>
          new Hub(hub, { conductor, intake, sites }, world),
        inject: [Conductor, Intake, WORLD],
      },
      { provide: Studies, useFactory: () => new Studies(studies, clock, rules) },
      {
        provide: RunCatalog,
        useFactory: (conductor: Conductor, sessions: Sessions) => new RunCatalog({ ...resources, conductor, sessions }),
        inject: [Conductor, Sessions],
      },
      { provide: ModelCatalog, useFactory: () => new ModelCatalog(registry, models) },
      {
        provide: SiteDirectory,
        useFactory: (sessions: Sessions) => new SiteDirectory(sites, sessions),
        inject: [Sessions],
      },
      {
        provide: RunEvents,
        useFactory: (catalog: RunCatalog, feed: RunFeed) => new RunEvents(catalog, feed, clock),
        inject: [RunCatalog, RunFeed],
      },
      { provide: APP_GUARD, useFactory: () => new TokenGuard(token) },
      { provide: APP_FILTER, useFactory: () => new FaultFilter(log) },
      { provide: APP_PIPE, useFactory: validation },
    ];
    const controllers = [HealthController, SitesController, StudiesController, RunsController, ModelsController];
    return { module: AppModule, providers, controllers };
  }
}
