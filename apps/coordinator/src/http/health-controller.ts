import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RowLedger } from '../ledger/row-ledger.js';
import { Allow, Open } from '../people/allow.js';
import { VERSION } from '../software.js';
import { Telemetry } from '../telemetry.js';
import { Faults } from './documentation.js';

const healthSchema = z
  .object({ status: z.literal('ok'), version: z.string().meta({ example: VERSION }) })
  .meta({ id: 'Health' });

@ApiTags('Operations')
@Controller()
export class HealthController {
  constructor(
    @Inject(Telemetry) private readonly telemetry: Telemetry,
    @Inject(RowLedger) private readonly ledger: RowLedger,
  ) {}

  @Get('health')
  @Open()
  @ApiSecurity({})
  @ApiOperation({
    summary: 'Is the coordinator up?',
    description:
      'Needs no token and tells nothing but the release. One that does nothing, because its ledger cannot be written or its past is in doubt, answers with the code that says why.',
  })
  @ApiOkResponse({ standardSchema: healthSchema })
  @Faults('DISK_FULL', 'LEDGER_ROLLED_BACK', 'LEDGER_FORKED', 'LEDGER_UNWRITABLE')
  health(): z.infer<typeof healthSchema> {
    if (this.ledger.trouble) throw this.ledger.trouble;
    return { status: 'ok', version: VERSION };
  }

  @Get('metrics')
  @Allow({ roles: ['admin', 'coordinator', 'auditor'] })
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
