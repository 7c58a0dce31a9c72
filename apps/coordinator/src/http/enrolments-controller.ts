import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { decodeBase64 } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import type { z } from 'zod';
import { Allow } from '../people/allow.js';
import { nameSchema } from '../runs/shapes.js';
import { Admissions } from '../sites/admissions.js';
import { decidedSchema, enrolmentsSchema, newRosterSchema } from '../sites/shapes.js';
import { Faults } from './documentation.js';

@ApiTags('Sites')
@Controller('api/v1/sites/enrolments')
export class EnrolmentsController {
  constructor(@Inject(Admissions) private readonly admissions: Admissions) {}

  @Get()
  @Allow({ roles: ['admin'] })
  @ApiOperation({
    summary: 'List the sites that wait to be admitted',
    description:
      'Each with six words of its key. Compare them with the hospital by telephone: only that tells whose key it is.',
  })
  @ApiOkResponse({ standardSchema: enrolmentsSchema })
  @Faults('TOKEN_MISSING')
  async list(): Promise<z.infer<typeof enrolmentsSchema>> {
    return { enrolments: [...(await this.admissions.pending())] };
  }

  @Post(':site/admit')
  @Allow({ roles: ['admin'], stepUp: true })
  @HttpCode(200)
  @ApiOperation({
    summary: 'Admit a site',
    description:
      'Takes the next roster, signed by the root offline, that lists exactly the key that waits and changes nothing else but people and revoked sites. The site has its certificate then.',
  })
  @ApiOkResponse({ standardSchema: decidedSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND', 'ROSTER_INVALID', 'ENVELOPE_INVALID', 'SIGNATURE_INVALID')
  async admit(
    @Param('site', { schema: nameSchema }) site: SiteName,
    @Body({ schema: newRosterSchema }) { roster }: z.infer<typeof newRosterSchema>,
  ): Promise<z.infer<typeof decidedSchema>> {
    await this.admissions.admit(site, decodeBase64(roster, 'REQUEST_INVALID'));
    return { site, standing: 'enrolled' };
  }

  @Post(':site/refuse')
  @Allow({ roles: ['admin'] })
  @HttpCode(200)
  @ApiOperation({ summary: 'Refuse a site that waits', description: 'It needs another invitation to try again.' })
  @ApiOkResponse({ standardSchema: decidedSchema })
  @Faults('TOKEN_MISSING', 'NOT_FOUND')
  async refuse(@Param('site', { schema: nameSchema }) site: SiteName): Promise<z.infer<typeof decidedSchema>> {
    await this.admissions.refuse(site);
    return { site, standing: 'refused' };
  }
}
