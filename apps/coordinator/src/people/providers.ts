import type { Provider } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import type { Clock } from '@consilium/stdx';
import { SecurityHeaders } from '../http/security-headers.js';
import { TokenGuard } from '../http/token-guard.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Registry, RunStore, StudyStore } from '../ports.js';
import { AccessTokens } from './access-tokens.js';
import { Accounts } from './accounts.js';
import { AccountsController } from './accounts-controller.js';
import { Admission } from './admission.js';
import { Attempts, PER_ACCOUNT, PER_ADDRESS } from './attempts.js';
import { Denials } from './denials.js';
import type { PeopleKeys } from './keys.js';
import { LocalLogin } from './local-login.js';
import { LOGIN_TERMS, LoginController } from './login-controller.js';
import { LoginCodes } from './login-codes.js';
import { Logins } from './logins.js';
import { Objects } from './objects.js';
import { OidcController } from './oidc-controller.js';
import { OidcLogin } from './oidc-login.js';
import { OidcProvider, type OidcSettings } from './oidc-provider.js';
import { Passwords, type PasswordCost } from './password.js';
import { PublicUrl } from './public-url.js';
import { Sealing } from './sealing.js';
import type { PeopleStore } from './store.js';

/** What people's part of the program is started with. */
export interface PeopleResources {
  readonly store: PeopleStore;
  readonly keys: PeopleKeys;
  readonly oidc?: OidcSettings;
  /** Whether accounts of this coordinator may log in. */
  readonly local: boolean;
  /** Undefined where the token of the state folder is turned off. */
  readonly machineToken?: string;
  readonly publicUrl?: string;
  readonly forwardedFor: boolean;
  /** Cheaper for tests only. */
  readonly passwordCost?: PasswordCost;
}

interface World {
  readonly people: PeopleResources;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly studies: StudyStore;
  readonly runs: RunStore;
  readonly registry: Registry;
  readonly rules: { readonly federation: string };
}

/** The parts that know people, and how they are put together. */
export function peopleProviders({ people, ledger, clock, studies, runs, registry, rules }: World): Provider[] {
  const { store, keys, oidc, machineToken, local, forwardedFor } = people;
  const { federation } = rules;
  const tokens = new AccessTokens(keys.accessToken, federation, clock);
  const denials = new Denials(ledger, clock);
  const accounts = new Accounts(store, ledger, clock);
  const logins = new Logins({ store, tokens, ledger, denials, clock });
  const codes = new LoginCodes(clock);
  const objects = new Objects({ studies, runs, registry });
  const provider = oidc && new OidcProvider(oidc);
  const localLogin = new LocalLogin({
    ...{ store, logins, denials, clock, federation },
    passwords: new Passwords(people.passwordCost),
    sealing: new Sealing(keys.sealing),
    perAccount: new Attempts(clock, PER_ACCOUNT),
    perAddress: new Attempts(clock, PER_ADDRESS),
  });
  const admission = new Admission({ store, tokens, objects, denials, ledger, clock, machineToken });
  return [
    { provide: Accounts, useValue: accounts },
    { provide: Logins, useValue: logins },
    { provide: LoginCodes, useValue: codes },
    { provide: LocalLogin, useValue: localLogin },
    { provide: OidcLogin, useValue: new OidcLogin({ provider, accounts, codes, denials, clock }) },
    { provide: Objects, useValue: objects },
    { provide: LOGIN_TERMS, useValue: { local, forwardedFor } },
    {
      provide: PublicUrl,
      useFactory: ({ httpAdapter }: HttpAdapterHost) =>
        new PublicUrl(people.publicUrl, () => (httpAdapter.getHttpServer() as Server).address()),
      inject: [HttpAdapterHost],
    },
    SecurityHeaders,
    { provide: APP_GUARD, useValue: new TokenGuard(admission) },
  ];
}

export const PEOPLE_CONTROLLERS = [LoginController, OidcController, AccountsController];
