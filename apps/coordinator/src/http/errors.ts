import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { CATALOGUE, Fault, type Code } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { Reply } from './reply.js';

/** Every error of the HTTP API is `{error: {code, message, facts}}` with the catalogue's status; the cause stays in the log. */
@Catch()
export class FaultFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const fault = faultOf(error);
    const { http, sentence } = CATALOGUE[fault.code];
    if (http >= 500) this.log.error({ err: error }, 'a request failed');
    const reply = host.switchToHttp().getResponse<Reply>();
    // The stream of a hijacked answer has its own end; there is nothing left to say there.
    if (reply.sent) return;
    const challenge = CHALLENGES[fault.code];
    if (challenge !== undefined) void reply.header('www-authenticate', challenge);
    const retry = fault.facts['retryAfterSeconds'];
    if (typeof retry === 'number') void reply.header('retry-after', retry);
    // A route may have said already that its good answer is text or bytes.
    void reply.header('content-type', 'application/json; charset=utf-8');
    void reply.status(http).send({ error: { code: fault.code, message: sentence, facts: fault.facts } });
  }
}

/** How to do better next time: RFC 6750, 3.1, and RFC 9470 for a proof that is too old. */
const CHALLENGES: Partial<Record<Code, string>> = {
  TOKEN_MISSING: 'Bearer',
  ACCESS_TOKEN_INVALID: 'Bearer error="invalid_token"',
  ACCESS_DENIED: 'Bearer error="insufficient_scope"',
  STEP_UP_REQUIRED: 'Bearer error="insufficient_user_authentication", max_age="300"',
};

/** Nest and Fastify tell by HTTP status what was wrong with a request; their texts may repeat it and stay here. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const status = statusOf(error);
  if (status === 404) return new Fault('NOT_FOUND', {}, error);
  if (status !== undefined && status >= 400 && status < 500) return new Fault('REQUEST_INVALID', { status }, error);
  return new Fault('INTERNAL', {}, error);
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // Nest's exceptions have a method for it, Fastify's errors a property.
  const told =
    'getStatus' in error && typeof error.getStatus === 'function' ? (error.getStatus() as unknown) : undefined;
  const status = told ?? ('statusCode' in error ? error.statusCode : undefined);
  return typeof status === 'number' ? status : undefined;
}
