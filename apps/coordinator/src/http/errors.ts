import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { CATALOGUE, Fault } from '@consilium/stdx';
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
    if (fault.code === 'TOKEN_MISSING') void reply.header('www-authenticate', 'Bearer');
    void reply.status(http).send({ error: { code: fault.code, message: sentence, facts: fault.facts } });
  }
}

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
