import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  logVerbosity,
  setLogVerbosity,
  type GrpcObject,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync, type Options } from '@grpc/proto-loader';
import { invariant } from '@consilium/stdx';
import type { EnrolmentDefinition } from './generated/consilium/v1/Enrolment.js';
import type { ModelsDefinition } from './generated/consilium/v1/Models.js';
import type { RoundsDefinition } from './generated/consilium/v1/Rounds.js';
import type { SitesDefinition } from './generated/consilium/v1/Sites.js';
import type { UpdatesDefinition } from './generated/consilium/v1/Updates.js';

/** The services, as grpc-js takes them on either side. */
export interface Services {
  readonly enrolment: EnrolmentDefinition;
  readonly sites: SitesDefinition;
  readonly rounds: RoundsDefinition;
  readonly updates: UpdatesDefinition;
  readonly models: ModelsDefinition;
}

// grpc-js would write to standard error by itself; whatever it has to say also comes as an error, which we report.
setLogVerbosity(logVerbosity.NONE);

/** The same as the flags in `tools/generate-protos.mjs`, or the types would lie about the values. */
const OPTIONS: Options = { longs: Number, enums: String, defaults: true, oneofs: true };
const FILES = ['enrolment', 'sites', 'rounds', 'updates', 'models'].map((name) => `consilium/v1/${name}.proto`);

export const services: Services = loadServices();

function loadServices(): Services {
  const loaded = loadPackageDefinition(loadSync(FILES, { ...OPTIONS, includeDirs: [protosFolder()] }));
  const { Enrolment, Sites, Rounds, Updates, Models } = (loaded['consilium'] as GrpcObject)['v1'] as Record<
    'Enrolment' | 'Sites' | 'Rounds' | 'Updates' | 'Models',
    ServiceClientConstructor
  >;
  return {
    enrolment: Enrolment.service as unknown as EnrolmentDefinition,
    sites: Sites.service as unknown as SitesDefinition,
    rounds: Rounds.service as unknown as RoundsDefinition,
    updates: Updates.service as unknown as UpdatesDefinition,
    models: Models.service as unknown as ModelsDefinition,
  };
}

/** `protos/` of the repository, found upwards from here: the same from the sources and from the build. */
function protosFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const protos = join(folder, 'protos');
    if (existsSync(join(protos, FILES[0]!))) return protos;
    invariant(dirname(folder) !== folder, 'the protos stand in a folder above this library');
    folder = dirname(folder);
  }
}
