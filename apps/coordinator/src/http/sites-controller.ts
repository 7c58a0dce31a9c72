import { Body, Controller, Get, HttpCode, Inject, Post, Param } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { SiteName } from '@consilium/stdx';
import type { z } from 'zod';
import { Allow, Person } from '../people/allow.js';
import type { Caller } from '../people/caller.js';
import { ROLES } from '../people/roles.js';
import { nameSchema } from '../runs/shapes.js';
import { SiteDirectory } from '../sites/directory.js';
import { Invitations } from '../sites/invitations.js';
import { Revocations } from '../sites/revocations.js';
import { decidedSchema, inviteSchema, newInviteSchema, sitesSchema } from '../sites/shapes.js';
import { Faults } from './documentation.js';

@ApiTags('Sites')
@Controller('api/v1/sites')
export class SitesController {
  constructor(
    @Inject(SiteDirectory) private readonly directory: SiteDirectory,
    @Inject(Invitations) private readonly invitations: Invitations,
    @Inject(Revocations) private readonly revocations: Revocations,
  ) {}

  @Get()
  @Allow({ roles: ROLES })
  @ApiOperation({
    summary: 'List the sites',
    description: 'Every site of the roster and every one that was ever here, those that you may see.',
  })
  @ApiOkResponse({ standardSchema: sitesSchema })
  @Faults('TOKEN_MISSING')
  async list(@Person() caller: Caller): Promise<z.infer<typeof sitesSchema>> {
    const sites = await this.directory.list();
    return { sites: sites.filter(({ name }) => caller.sees({ sites: [name] })) };
  }

  @Post('invites')
  @Allow({ roles: ['admin'] })
  @ApiOperation({
    summary: 'Invite a site',
    description:
      'Makes a one-time token for one site, good for an hour at most. Send it to the hospital; its administrator runs `consilium agent join TOKEN`. It is shown here once and kept nowhere.',
  })
  @ApiCreatedResponse({ standardSchema: inviteSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'OVERLOADED')
  invite(
    @Body({ schema: newInviteSchema }) { site, ...terms }: z.infer<typeof newInviteSchema>,
    @Person() { person }: Caller,
  ): Promise<z.infer<typeof inviteSchema>> {
    return this.invitations.invite({ ...terms, site: site as SiteName }, person);
  }

  @Post(':name/revoke')
  @Allow({ roles: ['admin'], stepUp: true })
  @HttpCode(200)
  @ApiOperation({
    summary: 'Revoke a site',
    description:
      'Ends its session and its connections at once, refuses it from now on, and goes on without it in every run. It comes back only when it is invited and admitted again, with another key.',
  })
  @ApiOkResponse({ standardSchema: decidedSchema })
  @Faults('TOKEN_MISSING', 'SITE_NOT_ENROLLED')
  async revoke(
    @Param('name', { schema: nameSchema }) name: SiteName,
    @Person() { person }: Caller,
  ): Promise<z.infer<typeof decidedSchema>> {
    await this.revocations.revoke(name, person);
    return { site: name, standing: 'revoked' };
  }
}
