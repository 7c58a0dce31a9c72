import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { VERSION } from '../software.js';
import { Telemetry } from '../telemetry.js';
import { Faults } from './documentation.js';
import { Open } from './token-guard.js';

const healthSchema = z
  .object({ status: z.literal('ok'), version: z.string().meta({ example: VERSION }) })
  .meta({ id: 'Health' });

@ApiTags('Operations')
@Controller()
export class HealthController {
  constructor(@Inject(Telemetry) private readonly telemetry: Telemetry) {}

  @Get('health')
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'Is the coordinator up?', description: 'Needs no token and tells nothing but the release.' })
  @ApiOkResponse({ standardSchema: healthSchema })
  health(): z.infer<typeof healthSchema> {
    return { status: 'ok', version: VERSION };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({
    summary: 'Figures for Prometheus',
    description: 'Rounds, updates, bytes, durations, connected sites and memory, in the Prometheus text format 0.0.4.',
  })
  @ApiOkResponse({
    content: { 'text/plain': { schema: { type: 'string', example: 'consilium_sites_connected 4\n' } } },
  })
  @Faults('TOKEN_MISSING')
  metrics(): Promise<string> {
    return this.telemetry.text();
  }
}
