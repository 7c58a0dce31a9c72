import { SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Fault } from '@consilium/stdx';
import { isAuthorised } from '../token.js';
import type { Request } from './reply.js';

const OPEN = 'consilium:open';

/** Marks a route that needs no token, because it tells nothing. */
export const Open = () => SetMetadata(OPEN, true);

/** Every route needs the bearer token unless it is marked {@link Open}, so that a new one is closed by default. */
export class TokenGuard implements CanActivate {
  constructor(private readonly token: string) {}

  canActivate(context: ExecutionContext): boolean {
    if (Reflect.getMetadata(OPEN, context.getHandler()) === true) return true;
    const { headers } = context.switchToHttp().getRequest<Request>();
    if (isAuthorised(headers.authorization, this.token)) return true;
    throw new Fault('TOKEN_MISSING');
  }
}
