import type { DynamicModule, Provider } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { requireInForce } from '@consilium/round';
import type { Clock, SiteName } from '@consilium/stdx';
import { FaultFilter } from './http/errors.js';
import { HealthController } from './http/health-controller.js';
import { LedgerController } from './http/ledger-controller.js';
import { ModelsController } from './http/models-controller.js';
import { RunEvents } from './http/run-events.js';
import { RunsController } from './http/runs-controller.js';
import { validation } from './http/validation.js';
import { Hub, type HubAddress } from './hub/hub.js';
import { Intake } from './intake/intake.js';
import type { Ledger } from './ledger/ledger.js';
import { AuditFiles } from './ledger/audit-files.js';
import { LogDesks, type Watching } from './ledger/log-desks.js';
import type { OpenLedger } from './ledger/open-ledger.js';
import type { PublishedLog } from './ledger/published-log.js';
import { Readings } from './ledger/readings.js';
import { RowLedger } from './ledger/row-ledger.js';
import { startedWith } from './ledger/started-with.js';
import type { Log } from './log.js';
import { PEOPLE_CONTROLLERS, peopleProviders, type PeopleResources } from './people/providers.js';
import type { Arithmetic, ModelFiles, Registry, RunStore, SiteStore, Spool, StudyStore } from './ports.js';
import { ModelCatalog } from './registry/catalog.js';
import { RunCatalog } from './runs/catalog.js';
import { Conductor } from './runs/conductor.js';
import { RunFeed } from './runs/feed.js';
import type { RunWorld } from './runs/world.js';
import { Enrolment } from './sites/enrolment.js';
import type { Membership } from './sites/membership.js';
import { SITE_CONTROLLERS, siteProviders } from './sites/providers.js';
import { Revocations } from './sites/revocations.js';
import { dropFromRuns } from './sites/revoked-runs.js';
import { Sessions } from './sites/sessions.js';
import { Clearance } from './studies/clearance.js';
import type { StudyRules } from './studies/studies.js';
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
  readonly ledger: Ledger;
  readonly openLedger: OpenLedger;
  readonly watching: Watching;
  /** The ledger's files as anybody may copy them. */
  readonly published: PublishedLog;
  /** Updates of plans that keep them for auditors. */
  readonly retained: ModelFiles;
  readonly membership: Membership;
  readonly people: PeopleResources;
  /** Ends the program after something that only a new start can mend. */
  readonly fatal: (error: unknown) => void;
}

const WORLD = Symbol('what runs need around them');

/** The composition root: the only place where a part learns which others it works with. */
export class AppModule {
  static of(resources: Resources): DynamicModule {
    const { sites, registry, models, clock, log, hub, membership, openLedger, watching } = resources;
    openLedger.ledger.restrictTo(() => membership.register.names);
    const providers: Provider[] = [
      { provide: Sessions, useFactory: () => new Sessions() },
      { provide: RunFeed, useFactory: () => new RunFeed(clock) },
      { provide: Telemetry, useFactory: (sessions: Sessions) => new Telemetry(sessions), inject: [Sessions] },
      {
        provide: WORLD,
        useFactory: (
          sessions: Sessions,
          feed: RunFeed,
          telemetry: Telemetry,
          { evidence }: LogDesks,
          clearance: Clearance,
        ): RunWorld => ({
          ...resources,
          sessions,
          evidence,
          observer: telemetry,
          changed: (run) => feed.changed(run),
          startedWith: startedWith(openLedger.rows),
          clear: (plan) => clearance.clear(plan),
          requireInForce: (plan) => requireInForce(plan, membership.rosters.keys, clock.now()),
        }),
        inject: [Sessions, RunFeed, Telemetry, LogDesks, Clearance],
      },
      {
        provide: LogDesks,
        useFactory: (sessions: Sessions) => {
          const keyOf = (site: SiteName): string | undefined => membership.rosters.site(site)?.signing;
          return new LogDesks(openLedger, { ...membership.world, ...resources, ...watching, keyOf, sessions });
        },
        inject: [Sessions],
      },
      {
        provide: Conductor,
        useFactory: (world: RunWorld, revocations: Revocations) => {
          const conductor = new Conductor(world);
          revocations.onRevoked((site) => dropFromRuns(conductor, site));
          return conductor;
        },
        inject: [WORLD, Revocations],
      },
      {
        provide: Intake,
        useFactory: (conductor: Conductor, world: RunWorld) => new Intake(conductor, world),
        inject: [Conductor, WORLD],
      },
      {
        provide: Hub,
        useFactory: (
          conductor: Conductor,
          intake: Intake,
          world: RunWorld,
          revocations: Revocations,
          enrolment: Enrolment,
          { witnesses }: LogDesks,
        ) => {
          const { register } = membership;
          return new Hub(hub, { conductor, intake, sites, witnesses }, { register, revocations, enrolment }, world);
        },
        inject: [Conductor, Intake, WORLD, Revocations, Enrolment, LogDesks],
      },
      {
        provide: RunCatalog,
        useFactory: (conductor: Conductor, sessions: Sessions) => new RunCatalog({ ...resources, conductor, sessions }),
        inject: [Conductor, Sessions],
      },
      { provide: RowLedger, useValue: openLedger.ledger },
      { provide: AuditFiles, useFactory: () => new AuditFiles(resources) },
      { provide: Readings, useFactory: () => new Readings(resources.ledger, clock) },
      { provide: ModelCatalog, useFactory: () => new ModelCatalog(registry, models) },
      {
        provide: RunEvents,
        useFactory: (catalog: RunCatalog, feed: RunFeed) => new RunEvents(catalog, feed, clock),
        inject: [RunCatalog, RunFeed],
      },
      ...siteProviders({ ...resources, address: hub.public }),
      ...peopleProviders(resources),
      { provide: APP_FILTER, useFactory: () => new FaultFilter(log) },
      { provide: APP_PIPE, useFactory: validation },
    ];
    const controllers = [
      HealthController,
      LedgerController,
      ...SITE_CONTROLLERS,
      RunsController,
      ModelsController,
      ...PEOPLE_CONTROLLERS,
    ];
    return { module: AppModule, providers, controllers };
  }
}
