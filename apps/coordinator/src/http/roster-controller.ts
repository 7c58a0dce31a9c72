import { Body, Controller, Get, Inject, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { decodeBase64, encodeBase64 } from '@consilium/identity';
import type { z } from 'zod';
import { Allow } from '../people/allow.js';
import { ROLES } from '../people/roles.js';
import { Admissions } from '../sites/admissions.js';
import { Rosters, type SignedRoster } from '../sites/rosters.js';
import { newRosterSchema, rosterDetailSchema } from '../sites/shapes.js';
import { Faults } from './documentation.js';

@ApiTags('Sites')
@Controller('api/v1/roster')
export class RosterController {
  constructor(
    @Inject(Rosters) private readonly rosters: Rosters,
    @Inject(Admissions) private readonly admissions: Admissions,
  ) {}

  @Get()
  @Allow({ roles: ROLES })
  @ApiOperation({
    summary: 'Show the roster',
    description: 'Who belongs to the federation, and with which keys, as the root has signed it.',
  })
  @ApiOkResponse({ standardSchema: rosterDetailSchema })
  @Faults('TOKEN_MISSING')
  show(): z.infer<typeof rosterDetailSchema> {
    return detailOf(this.rosters.current);
  }

  @Put()
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({
    summary: 'Replace the roster',
    description:
      'Takes the next roster, signed by the root offline, that changes people or leaves out revoked sites. A site comes in by being admitted.',
  })
  @ApiOkResponse({ standardSchema: rosterDetailSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'ROSTER_INVALID', 'ENVELOPE_INVALID', 'SIGNATURE_INVALID')
  async replace(
    @Body({ schema: newRosterSchema }) { roster }: z.infer<typeof newRosterSchema>,
  ): Promise<z.infer<typeof rosterDetailSchema>> {
    return detailOf(await this.admissions.install(decodeBase64(roster, 'REQUEST_INVALID')));
  }
}

const detailOf = ({ roster, digest, document }: SignedRoster): z.infer<typeof rosterDetailSchema> => ({
  version: roster.version,
  digest,
  document: encodeBase64(document),
  roster: { ...roster },
});
