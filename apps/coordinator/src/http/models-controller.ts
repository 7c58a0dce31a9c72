import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Digest } from '@consilium/stdx';
import { z } from 'zod';
import { Allow, Person } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import { Objects } from '../people/objects.js';
import { ROLES } from '../people/roles.js';
import { ModelCatalog } from '../registry/catalog.js';
import { modelDetailSchema, modelSummarySchema } from '../registry/shapes.js';
import { digestSchema } from '../runs/shapes.js';
import { Faults } from './documentation.js';
import type { Reply } from './reply.js';

const modelsSchema = z.object({ models: z.array(modelSummarySchema) }).meta({ id: 'Models' });

@ApiTags('Models')
@Controller('api/v1/models')
export class ModelsController {
  constructor(
    @Inject(ModelCatalog) private readonly catalog: ModelCatalog,
    @Inject(Objects) private readonly objects: Objects,
  ) {}

  @Get()
  @Allow({ roles: ROLES })
  @ApiOperation({ summary: 'List the published models', description: 'Newest first, those that you may see.' })
  @ApiOkResponse({ standardSchema: modelsSchema })
  @Faults('TOKEN_MISSING')
  async list(@Person() caller: Caller) {
    const models = await this.catalog.list();
    return { models: await this.objects.narrow(caller, models, 'plan', ({ planDigest }) => planDigest) };
  }

  @Get(':digest')
  @Allow({ roles: ROLES, object: 'model' })
  @ApiOperation({
    summary: 'Show a published model',
    description: 'Its tensors, its metrics at each site and their mean, and the rounds and updates that made it.',
  })
  @ApiOkResponse({ standardSchema: modelDetailSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  show(@Param('digest', { schema: digestSchema }) digest: Digest) {
    return this.catalog.show(digest);
  }

  @Get(':digest/weights')
  @Allow({ roles: ROLES, object: 'model' })
  @ApiOperation({
    summary: 'Download a published model',
    description: 'A safetensors file. Its SHA-256 is the digest; it holds no id and no time.',
  })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async weights(@Param('digest', { schema: digestSchema }) digest: Digest, @Res() reply: Reply): Promise<void> {
    const { bytes, chunks } = await this.catalog.weights(digest);
    reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', bytes)
      .header('content-disposition', `attachment; filename="${digest}.safetensors"`)
      .send(Readable.from(chunks, { objectMode: false }));
  }
}
