import type { Provider } from '@nestjs/common';
import { EnrolmentsController } from '../http/enrolments-controller.js';
import { PlansController } from '../http/plans-controller.js';
import { RosterController } from '../http/roster-controller.js';
import { SitesController } from '../http/sites-controller.js';
import { StudiesController } from '../http/studies-controller.js';
import type { SiteStore, StudyStore } from '../ports.js';
import { Clearance } from '../studies/clearance.js';
import { Studies, type StudyRules } from '../studies/studies.js';
import { Admissions } from './admissions.js';
import { SiteDirectory } from './directory.js';
import { Enrolment } from './enrolment.js';
import { Invitations } from './invitations.js';
import type { Membership } from './membership.js';
import type { PublicAddress } from './public-address.js';
import { SiteRegister } from './register.js';
import { Revocations } from './revocations.js';
import { Rosters } from './rosters.js';
import { Sessions } from './sessions.js';

interface World {
  readonly membership: Membership;
  readonly address: PublicAddress;
  readonly sites: SiteStore;
  readonly studies: StudyStore;
  readonly rules: StudyRules;
}

/** The parts that know who belongs and what was agreed, and how they are put together. */
export function siteProviders({ membership, address, sites: store, studies, rules }: World): Provider[] {
  const { rosters, register, world } = membership;
  const { ledger, clock } = world;
  const { invitations, admissions, revocations, enrolment } = membership.desks(() => address.text);
  const clearance = new Clearance({ studies, rosters, register, clock });
  const { signing } = world.identity;
  return [
    { provide: Rosters, useValue: rosters },
    { provide: SiteRegister, useValue: register },
    { provide: Invitations, useValue: invitations },
    { provide: Admissions, useValue: admissions },
    { provide: Revocations, useValue: revocations },
    { provide: Enrolment, useValue: enrolment },
    { provide: Clearance, useValue: clearance },
    {
      provide: Studies,
      useValue: new Studies({ store: studies, ledger, signing, rosters, clearance, clock, rules }),
    },
    {
      provide: SiteDirectory,
      useFactory: (sessions: Sessions) => new SiteDirectory({ store, sessions, rosters, register }),
      inject: [Sessions],
    },
  ];
}

/** Routes with a fixed word stand before those with a name in its place. */
export const SITE_CONTROLLERS = [
  EnrolmentsController,
  SitesController,
  RosterController,
  StudiesController,
  PlansController,
];
