import { applyDecorators, createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { invariant } from '@consilium/stdx';
import { Faults } from '../http/documentation.js';
import type { Caller } from './caller.js';
import type { ObjectKind } from './objects.js';
import type { Role } from './roles.js';

/**
 * Who may use a route. A route that says neither {@link Allow} nor {@link Open} is refused to everybody, so that a new
 * one is closed until somebody has decided.
 */
export interface Rule {
  /** Any one of these roles suffices, each within what it is bound to. */
  readonly roles: readonly Role[];
  /**
   * What kind of thing the route is about. A role that is bound to a site or to studies then reaches only its own.
   * Without it such a role reaches the whole route, which must narrow its answer itself (`Caller.sees`).
   */
  readonly object?: ObjectKind;
  /** Where the object is named: a parameter of the path, else a field of the body. Each kind has its usual one. */
  readonly at?: string;
  /** The person must have proved who they are within the last five minutes. */
  readonly stepUp?: true;
}

/** Lets these roles use the route. */
export const Allow = (rule: Rule): MethodDecorator =>
  applyDecorators(
    SetMetadata(RULE, rule),
    ApiExtension('x-consilium-roles', rule.roles),
    ...(rule.stepUp ? [ApiExtension('x-consilium-step-up', true)] : []),
    Faults('ACCESS_DENIED', ...(rule.stepUp ? (['STEP_UP_REQUIRED'] as const) : [])),
  );

/** Marks a route that needs no token: it tells nothing, or is how one gets a token. */
export const Open = (): MethodDecorator => SetMetadata(RULE, 'open');

/** The rule of a handler, undefined where none was written. */
export const ruleOf = (handler: object): Rule | 'open' | undefined =>
  Reflect.getMetadata(RULE, handler) as Rule | 'open' | undefined;

/** Who calls, as the guard found out. Only for routes with {@link Allow}. */
export const Person = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<{ readonly caller?: Caller }>();
  invariant(caller !== undefined, 'the guard has let a person in');
  return caller;
});

/** Asks anew whether the caller may, for an answer that goes on for hours: a role is taken away at once. */
export type StillAllowed = () => Promise<boolean>;

export const Still = createParamDecorator((_: unknown, context: ExecutionContext): StillAllowed => {
  const { still } = context.switchToHttp().getRequest<{ readonly still?: StillAllowed }>();
  invariant(still !== undefined, 'the guard has let a person in');
  return still;
});

const RULE = 'consilium:rule';
