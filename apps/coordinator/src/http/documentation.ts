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

/** Documents the errors of a route, one answer for each HTTP status, with an example for each code. */
export function Faults(...codes: Code[]): MethodDecorator {
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

1. **Create a study** – a purpose that everybody can read.
2. **Propose a plan** – the exact terms: model, training, rounds, privacy. Its digest is what every hospital approves.
3. **Start a run** – the plan is offered to its sites, and training starts when they have decided.
4. **Watch it** – \`GET /runs/{id}/events\` pushes the whole run after each change.
5. **Fetch the model** – safetensors bytes whose SHA-256 is the model's digest.

Plans of this release have \`privacy.mode: plain\`: **the coordinator sees each update, and updates can reveal images.**

Press **Authorize** and enter the token from the file \`api-token\` in the coordinator's state folder.
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
      description: 'The content of the file `api-token` in the state folder.',
    })
    .addSecurityRequirements('bearer')
    .addTag('Studies', 'A governed purpose, and the plans proposed under it. Neither is ever changed.')
    .addTag('Runs', 'One execution of a plan: approvals, rounds, evaluation.')
    .addTag('Models', 'What finished runs published.')
    .addTag('Sites', 'The hospitals’ agents, as they were seen.')
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
