import { Fault, type Clock } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { AccessTokens } from './access-tokens.js';
import type { Rule } from './allow.js';
import { Caller } from './caller.js';
import type { Denials } from './denials.js';
import { NAMED_AT, type Objects } from './objects.js';
import { MACHINE } from './person-id.js';
import { sameSecret } from './secrets.js';
import type { PeopleStore } from './store.js';

/** A step-up is fresh for so long. */
export const STEP_UP_MS = 5 * 60_000;
/** A clock that was set back a little must not refuse everybody. */
const FUTURE_MS = 60_000;

/** What a rule is held against: the parts of a request that may name an object, still unchecked. */
export interface Named {
  readonly params: unknown;
  readonly body: unknown;
}

/** Who is asking, and whether they may. The one place where both are decided. */
export class Admission {
  #machineLoggedIn: Promise<void> | undefined;

  constructor(
    private readonly parts: {
      readonly store: Pick<PeopleStore, 'find'>;
      readonly tokens: AccessTokens;
      readonly objects: Objects;
      readonly denials: Denials;
      readonly ledger: Pick<Ledger, 'record'>;
      readonly clock: Pick<Clock, 'now'>;
      /** The token of the state folder; undefined where the settings turn it off. */
      readonly machineToken: string | undefined;
    },
  ) {}

  /**
   * Who an Authorization header (RFC 6750) speaks for, with the roles of this moment: one that was taken away is gone at
   * once. TOKEN_MISSING, ACCESS_TOKEN_INVALID, or ACCESS_DENIED for an account that was disabled or erased.
   */
  async caller(authorization: string | undefined): Promise<Caller> {
    const token = /^bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new Fault('TOKEN_MISSING');
    const { machineToken, clock, store, tokens } = this.parts;
    if (machineToken !== undefined && sameSecret(token, machineToken)) {
      await this.#machineLogin();
      return new Caller(MACHINE, [{ role: 'admin' }, { role: 'coordinator' }], clock.now());
    }
    // Three parts are a JWT; anything else is a token of the state folder that is wrong.
    if (token.split('.').length !== 3) throw new Fault('TOKEN_MISSING');
    const { person, authMs } = await tokens.verify(token);
    const account = await store.find(person);
    if (!account || account.disabledMs !== null) throw await this.#denied(new Fault('ACCESS_DENIED', { person }));
    return new Caller(person, account.grants, authMs);
  }

  /**
   * Lets the caller through, or refuses: ACCOUNT_UNKNOWN for somebody without any role, ACCESS_DENIED where no role of
   * theirs reaches the object or nobody has written a rule, STEP_UP_REQUIRED where they must prove themselves again.
   * An object that is not there looks to a bound role like one of somebody else. Answers the rule that was kept.
   */
  async require(caller: Caller, rule: Rule | undefined, named: Named): Promise<Rule> {
    const { person, grants, authMs } = caller;
    if (grants.length === 0) throw await this.#denied(new Fault('ACCOUNT_UNKNOWN', { person }));
    if (!rule || !(await this.#reaches(caller, rule, named))) throw await this.#denied(new Fault('ACCESS_DENIED'));
    const ageMs = this.parts.clock.now() - authMs;
    if (rule.stepUp && (ageMs > STEP_UP_MS || ageMs < -FUTURE_MS)) throw new Fault('STEP_UP_REQUIRED');
    return rule;
  }

  /** Whether they would be let through again, by the roles of that moment; how old their proof is, matters no more. */
  async still({ person, authMs }: Caller, rule: Rule, named: Named): Promise<boolean> {
    if (person === MACHINE) return true;
    const account = await this.parts.store.find(person);
    if (!account || account.disabledMs !== null) return false;
    return this.#reaches(new Caller(person, account.grants, authMs), rule, named);
  }

  async #reaches(caller: Caller, { roles, object, at }: Rule, { params, body }: Named): Promise<boolean> {
    const held = caller.roles.filter((role) => roles.includes(role));
    if (!object || held.length === 0) return held.length > 0;
    const id = fieldOf(params, at ?? NAMED_AT[object]) ?? fieldOf(body, at ?? NAMED_AT[object]);
    return caller.reaches(roles, typeof id === 'string' ? await this.parts.objects.find(object, id) : undefined);
  }

  /** Once for each start: whoever reads the state folder may use it as often as they like. */
  #machineLogin(): Promise<void> {
    this.#machineLoggedIn ??= this.parts.ledger.record({ type: 'user.login', person: MACHINE, method: 'machine' });
    return this.#machineLoggedIn.catch((error: unknown) => {
      this.#machineLoggedIn = undefined;
      throw error;
    });
  }

  async #denied(fault: Fault): Promise<Fault> {
    await this.parts.denials.note(fault.code);
    return fault;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
