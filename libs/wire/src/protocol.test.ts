import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CODES } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { codeOf } from './federation.fixture.js';
import { FEATURES, helloOf, PROTOCOL_VERSION, requireVersion, services, sharedFeatures, welcomeOf } from './index.js';

describe('the handshake', () => {
  it('names our version, features and release', () => {
    expect(helloOf('1.2.3')).toEqual({ protocolVersion: 1, features: FEATURES, software: '1.2.3' });
    expect(welcomeOf({ site: 'berlin', software: '1.2.3', nowMs: 5 })).toEqual({
      ...helloOf('1.2.3'),
      site: 'berlin',
      nowMs: 5,
    });
  });

  it('accepts our version and no other', async () => {
    expect(await codeOf(() => requireVersion({ protocolVersion: PROTOCOL_VERSION }))).toBe('done');
    for (const protocolVersion of [0, 2, 4_294_967_295]) {
      expect(await codeOf(() => requireVersion({ protocolVersion }))).toBe('PROTOCOL_VERSION_UNSUPPORTED');
    }
  });

  it('uses what both sides can do, and ignores what we do not know', () => {
    expect(sharedFeatures({ features: ['teleport', ...FEATURES] })).toEqual(FEATURES);
    expect(sharedFeatures({ features: [] })).toEqual([]);
  });
});

describe('the services', () => {
  it('are those of the protos', () => {
    const paths = Object.values(services).flatMap((service) =>
      Object.values<{ path: string }>(service).map(({ path }) => path),
    );
    expect(paths.sort()).toEqual([
      '/consilium.v1.Enrolment/Collect',
      '/consilium.v1.Enrolment/Join',
      '/consilium.v1.Enrolment/Rekey',
      '/consilium.v1.Enrolment/Renew',
      '/consilium.v1.Models/Download',
      '/consilium.v1.Rounds/Session',
      '/consilium.v1.Sites/Greet',
      '/consilium.v1.Updates/Query',
      '/consilium.v1.Updates/Upload',
    ]);
  });

  const { Query } = services.updates;
  const journey = (header: object) => Query.requestDeserialize(Query.requestSerialize(header as never));

  it('carry integers up to 2^53 − 1 exactly', () => {
    expect(journey({ length: Number.MAX_SAFE_INTEGER }).length).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('fill in what was left out, as the types say', () => {
    expect(journey({})).toEqual({
      ...{ round: null, planDigest: '', modelDigest: '', sha256: '', metrics: [] },
      ...{ length: 0, examples: 0, loss: 0, offset: 0, statement: Buffer.alloc(0) },
    });
  });

  it('name the member of a union that is there', () => {
    const { Session } = services.rounds;
    const sent = Session.requestSerialize({ hello: helloOf('x') });
    expect(Session.requestDeserialize(sent)).toMatchObject({ body: 'hello', hello: { software: 'x' } });
    expect(Session.requestDeserialize(Buffer.alloc(0)).body).toBeUndefined();
  });

  it('give bytes as a view that may not be aligned for floats', () => {
    const { Upload } = services.updates;
    const { data } = Upload.requestDeserialize(Upload.requestSerialize({ data: Buffer.alloc(8, 1) }));
    expect(Buffer.isBuffer(data)).toBe(true);
    expect(Buffer.compare(data!, Buffer.alloc(8, 1))).toBe(0);
  });
});

const protos = new URL('../../../protos/consilium/v1/', import.meta.url);

describe('the protos', () => {
  it('speak only of codes that the catalogue has', () => {
    for (const name of readdirSync(protos)) {
      const words = readFileSync(new URL(name, protos), 'utf8').match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [];
      for (const word of words) if (!word.startsWith('METRIC_NAME')) expect(CODES).toContain(word);
    }
  });

  it('stand where the library looks for them, from its sources and from its build', () => {
    expect(existsSync(protos)).toBe(true);
    expect(existsSync(new URL('../../../protos/', new URL('../dist/services.js', import.meta.url)))).toBe(true);
  });
});
