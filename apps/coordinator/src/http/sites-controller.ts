import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { nameSchema } from '../runs/shapes.js';
import { SiteDirectory } from '../sites/directory.js';
import { Faults } from './documentation.js';

const sitesSchema = z
  .object({
    sites: z.array(
      z
        .object({
          name: nameSchema.meta({ example: 'hospital-a' }),
          connected: z.boolean(),
          lastSeenMs: z
            .int()
            .meta({ description: 'When its latest session began or ended. UTC, milliseconds since 1970.' }),
          software: z
            .string()
            .meta({ description: 'The release of its agent, as it says.', example: 'consilium-agent 0.1.0' }),
        })
        .meta({ id: 'Site' }),
    ),
  })
  .meta({ id: 'Sites' });

@ApiTags('Sites')
@Controller('api/v1/sites')
export class SitesController {
  constructor(@Inject(SiteDirectory) private readonly directory: SiteDirectory) {}

  @Get()
  @ApiOperation({
    summary: 'List the sites',
    description: 'Every site that has ever opened a session. Names are read from certificates.',
  })
  @ApiOkResponse({ standardSchema: sitesSchema })
  @Faults('TOKEN_MISSING')
  async list(): Promise<z.infer<typeof sitesSchema>> {
    return { sites: [...(await this.directory.list())] };
  }
}
