import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Admission } from '../people/admission.js';
import { ruleOf, type StillAllowed } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import type { Request } from './reply.js';

interface Asked extends Request {
  readonly params?: unknown;
  readonly body?: unknown;
  caller?: Caller;
  still?: StillAllowed;
}

/** Stands before every route. One without a rule is closed to everybody. */
export class TokenGuard implements CanActivate {
  constructor(private readonly admission: Admission) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = ruleOf(context.getHandler());
    if (rule === 'open') return true;
    const request = context.switchToHttp().getRequest<Asked>();
    const caller = await this.admission.caller(request.headers.authorization);
    const named = { params: request.params, body: request.body };
    const required = await this.admission.require(caller, rule, named);
    request.caller = caller;
    request.still = () => this.admission.still(caller, required, named);
    return true;
  }
}
