import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Faults } from '../http/documentation.js';
import { Accounts } from './accounts.js';
import { Allow, Person } from './allow.js';
import type { Caller } from './caller.js';
import type { PersonId } from './person-id.js';
import { grantSchema, type Grant } from './roles.js';
import {
  accountSchema,
  accountsSchema,
  erasedSchema,
  invitationSchema,
  newAccountSchema,
  personIdSchema,
} from './shapes.js';
import type { PersonRecord } from './store.js';

/** Who may do what. For admins, and for nobody about themselves. */
@ApiTags('Accounts')
@Controller('api/v1/accounts')
export class AccountsController {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  @Get()
  @Allow({ roles: ['admin'] })
  @ApiOperation({ summary: 'List the accounts', description: 'With their names, which stand nowhere else.' })
  @ApiOkResponse({ standardSchema: accountsSchema })
  @Faults('TOKEN_MISSING')
  async list() {
    return { accounts: (await this.accounts.list()).map(viewOf) };
  }

  @Post()
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({
    summary: 'Create an account',
    description:
      'Answers a one-time secret, with which the person sets a password and a second factor within three days.',
  })
  @ApiCreatedResponse({ standardSchema: invitationSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'ALREADY_EXISTS')
  create(@Body({ schema: newAccountSchema }) account: z.infer<typeof newAccountSchema>, @Person() by: Caller) {
    const { login, name = login, grants } = account;
    return this.accounts.create(login, name, grants as Grant[], by);
  }

  @Post(':person/grant')
  @HttpCode(200)
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({ summary: 'Give a role' })
  @ApiOkResponse({ standardSchema: accountSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  async grant(
    @Param('person', { schema: personIdSchema }) person: PersonId,
    @Body({ schema: grantSchema }) grant: z.infer<typeof grantSchema>,
    @Person() by: Caller,
  ) {
    return viewOf(await this.accounts.grant(person, grant as Grant, by));
  }

  @Post(':person/revoke')
  @HttpCode(200)
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({ summary: 'Take a role away', description: 'At once, also for whoever is logged in.' })
  @ApiOkResponse({ standardSchema: accountSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  async revoke(
    @Param('person', { schema: personIdSchema }) person: PersonId,
    @Body({ schema: grantSchema }) grant: z.infer<typeof grantSchema>,
    @Person() by: Caller,
  ) {
    return viewOf(await this.accounts.revoke(person, grant as Grant, by));
  }

  @Post(':person/disable')
  @HttpCode(200)
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({ summary: 'Disable an account', description: 'For good. Its logins end, and its roles are gone.' })
  @ApiOkResponse({ standardSchema: accountSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  async disable(@Param('person', { schema: personIdSchema }) person: PersonId, @Person() by: Caller) {
    return viewOf(await this.accounts.disable(person, by));
  }

  @Post(':person/invite')
  @HttpCode(200)
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({
    summary: 'Let a person set their password anew',
    description: 'Answers a one-time secret. Until it is used, the old password holds.',
  })
  @ApiOkResponse({ standardSchema: invitationSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  invite(@Param('person', { schema: personIdSchema }) person: PersonId) {
    return this.accounts.invite(person);
  }

  @Post(':person/erase')
  @HttpCode(200)
  @Allow({ roles: ['admin'], stepUp: true })
  @ApiOperation({
    summary: 'Erase an account',
    description:
      'The name and all that is known of the person. The ledger keeps the pseudonym, which leads nowhere then.',
  })
  @ApiOkResponse({ standardSchema: erasedSchema })
  @Faults('REQUEST_INVALID', 'TOKEN_MISSING', 'NOT_FOUND')
  async erase(@Param('person', { schema: personIdSchema }) person: PersonId, @Person() by: Caller) {
    await this.accounts.erase(person, by);
    return { erased: person };
  }
}

const viewOf = ({ id, name, login, grants, createdMs, disabledMs }: PersonRecord) => ({
  ...{ person: id, name, login, grants: [...grants] },
  ...{ createdMs, disabledMs },
});
