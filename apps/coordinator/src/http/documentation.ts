import { applyDecorators, type INestApplication } from '@nestjs/common';
import { ApiResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { CATALOGUE, CODES, type Code } from '@consilium/stdx';
import { z } from 'zod';
import { VERSION } from '../software.js';

const errorSchema = z
  .object({
    error: z.object({
      code: z
        .enum(CODES as [string, ...string[]])
        .meta({ description: 'Stable; scripts may rely on it.', example: 'NOT_FOUND' }),
      message: z.string().meta({ example: CATALOGUE.NOT_FOUND.sentence }),
      facts: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .meta({ description: 'What was expected and what came.', example: { study: 'lung-nodule' } }),
    }),
  })
  .meta({ id: 'Error' });

const FAULTS = 'consilium:faults';

/**
 * Documents the errors of a route, one answer for each HTTP status, with an example for each code. What several of these
 * say of one route is put together.
 */
export const Faults =
  (...codes: Code[]): MethodDecorator =>
  (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const all = [...new Set([...((Reflect.getMetadata(FAULTS, handler) as Code[] | undefined) ?? []), ...codes])];
    Reflect.defineMetadata(FAULTS, all, handler);
    answersOf(all)(target, key, descriptor);
  };

function answersOf(codes: readonly Code[]): MethodDecorator {
  const byStatus = new Map<number, Code[]>();
  for (const code of codes) byStatus.set(CATALOGUE[code].http, [...(byStatus.get(CATALOGUE[code].http) ?? []), code]);
  const answers = [...byStatus].map(([status, group]) =>
    ApiResponse({
      status,
      description: group.map((code) => `\`${code}\`: ${CATALOGUE[code].sentence}`).join('<br>'),
      standardSchema: errorSchema,
      examples: Object.fromEntries(group.map((code) => [code, { summary: code, value: errorOf(code) }])),
    }),
  );
  return applyDecorators(...answers);
}

const errorOf = (code: Code) => ({ error: { code, message: CATALOGUE[code].sentence, facts: {} } });

const ABOUT = `
Consilium trains one model across many hospitals; the images stay where they are.

1. **Register a study** – purpose, legal basis, ethics approval, countries, sites and data contract.
2. **Propose a plan** – the exact terms: model, training, rounds, privacy, and every site's key. The coordinator completes a draft, a proposer signs it, an admin signs it too. Its digest is what every hospital approves.
3. **Start a run** – the plan is offered to its sites, and training starts when they have decided.
4. **Watch it** – \`GET /runs/{id}/events\` pushes the whole run after each change.
5. **Fetch the model** – safetensors bytes whose SHA-256 is the model's digest.

Hospitals come in by invitation: a one-time token, six words compared by telephone, and a roster that the federation's root has signed offline.

Plans of this release have \`privacy.mode: plain\`: **the coordinator sees each update, and updates can reveal images.**

Press **Authorize** and enter an access token: \`consilium login\`, then \`consilium whoami --token\`. What you may do depends on
your roles; each operation names those that may use it as \`x-consilium-roles\`.
`;

/** Serves the page at /docs and the document at /docs-json. The document is built at the first request. */
export function serveDocumentation(app: INestApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Consilium coordinator')
    .setDescription(ABOUT)
    .setVersion(VERSION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'An access token of ten minutes, or the content of the file `api-token` in the state folder.',
    })
    .addSecurityRequirements('bearer')
    .addTag('Studies', 'A governed purpose, and the plans that people have signed under it. Neither is ever changed.')
    .addTag('Runs', 'One execution of a plan: approvals, rounds, evaluation.')
    .addTag('Models', 'What finished runs published.')
    .addTag('Sites', 'Who belongs to the federation: invitations, admissions, the roster, revocations.')
    .addTag('Login', 'Who you are: through the identity provider, or with an account of this coordinator.')
    .addTag('Accounts', 'Who may do what. For admins.')
    .addTag('Operations', 'For monitoring.')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config, { autoTagControllers: false }), {
    customSiteTitle: 'Consilium coordinator',
    customCss: STYLE,
    swaggerOptions: {
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      tagsSorter: undefined,
    },
  });
}

/** The page without the maker's bar, and not wider than text can be read. */
const STYLE = `
.swagger-ui .topbar { display: none }
.swagger-ui .wrapper { max-width: 1080px }
.swagger-ui .info { margin: 32px 0 }
`;
