import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ServerResponse } from 'node:http';

interface Fastify {
  addHook(
    name: 'onRequest',
    hook: (request: { url: string }, reply: { raw: ServerResponse }, done: () => void) => void,
  ): void;
}

/** What every answer says to a browser, errors and streams too. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** Nothing that this API answers is a page; the documentation loads only what is its own. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * Sets them before anything else looks at the request. They go on the raw answer, so that a stream that takes it over
 * has them as well. Answers are for who asked: none is kept by a cache on the way, least of all a token.
 */
@Injectable()
export class SecurityHeaders implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<Fastify>();
    fastify.addHook('onRequest', ({ url }, { raw }, done) => {
      for (const [name, value] of Object.entries(HEADERS)) raw.setHeader(name, value);
      const isPage = /^\/docs(?:[/?-]|$)/.test(url);
      raw.setHeader('content-security-policy', isPage ? DOCS_POLICY : API_POLICY);
      if (!isPage) raw.setHeader('cache-control', 'no-store');
      done();
    });
  }
}
