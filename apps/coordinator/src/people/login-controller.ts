import { Body, Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { Fault } from '@consilium/stdx';
import type { z } from 'zod';
import { Faults } from '../http/documentation.js';
import type { Request } from '../http/reply.js';
import { addressOf, type AddressTerms } from './address.js';
import { Accounts } from './accounts.js';
import { Allow, Open, Person } from './allow.js';
import type { Caller } from './caller.js';
import { LocalLogin } from './local-login.js';
import { LoginCodes } from './login-codes.js';
import { Logins } from './logins.js';
import { OidcLogin } from './oidc-login.js';
import { ROLES } from './roles.js';
import {
  codeExchangeSchema,
  enrolmentSchema,
  localLoginSchema,
  loggedOutSchema,
  methodsSchema,
  recoveryCodesSchema,
  refreshSchema,
  setupCompletionSchema,
  setupSchema,
  tokensSchema,
  whoamiSchema,
} from './shapes.js';

/** Whether accounts of this coordinator are offered, and how an address is known. */
export interface LoginTerms extends AddressTerms {
  readonly local: boolean;
}
export const LOGIN_TERMS = Symbol('how people log in');

@ApiTags('Login')
@Controller('api/v1')
export class LoginController {
  constructor(
    @Inject(Logins) private readonly logins: Logins,
    @Inject(LoginCodes) private readonly codes: LoginCodes,
    @Inject(LocalLogin) private readonly local: LocalLogin,
    @Inject(OidcLogin) private readonly oidc: OidcLogin,
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(LOGIN_TERMS) private readonly terms: LoginTerms,
  ) {}

  @Get('login')
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'How can one log in?' })
  @ApiOkResponse({ standardSchema: methodsSchema })
  methods(): z.infer<typeof methodsSchema> {
    return { oidc: this.oidc.offered, local: this.terms.local };
  }

  @Post('login/code')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'Exchange a login’s code', description: 'The last step of a login through the browser.' })
  @ApiOkResponse({ standardSchema: tokensSchema })
  @Faults('REQUEST_INVALID', 'LOGIN_FAILED', 'ACCOUNT_UNKNOWN', 'ACCESS_DENIED')
  async exchange(
    @Body({ schema: codeExchangeSchema }) { code, verifier, redirectUri }: z.infer<typeof codeExchangeSchema>,
  ) {
    const { person, authMs } = this.codes.redeem(code, verifier, redirectUri);
    return this.logins.open(await this.accounts.find(person), authMs, 'oidc');
  }

  @Post('login/local')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({
    summary: 'Log in with an account of this coordinator',
    description: 'Password and one-time code. After some failures one must wait, twice as long after each.',
  })
  @ApiOkResponse({ standardSchema: tokensSchema })
  @Faults(
    'REQUEST_INVALID',
    'LOGIN_FAILED',
    'LOGIN_METHOD_UNAVAILABLE',
    'ACCOUNT_UNKNOWN',
    'ACCOUNT_LOCKED',
    'OVERLOADED',
  )
  logIn(@Body({ schema: localLoginSchema }) given: z.infer<typeof localLoginSchema>, @Req() request: Request) {
    this.#requireLocal();
    return this.local.login(given, addressOf(request, this.terms));
  }

  @Post('login/setup')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'Begin to set up an account', description: 'Answers what the authenticator app is given.' })
  @ApiOkResponse({ standardSchema: enrolmentSchema })
  @Faults('REQUEST_INVALID', 'LOGIN_FAILED', 'LOGIN_METHOD_UNAVAILABLE', 'ACCOUNT_LOCKED')
  beginSetup(@Body({ schema: setupSchema }) { secret }: z.infer<typeof setupSchema>, @Req() request: Request) {
    this.#requireLocal();
    return this.local.beginSetup(secret, addressOf(request, this.terms));
  }

  @Post('login/setup/complete')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'Set the password and the second factor', description: 'Once for each set-up secret.' })
  @ApiOkResponse({ standardSchema: recoveryCodesSchema })
  @Faults(
    'REQUEST_INVALID',
    'PASSWORD_TOO_WEAK',
    'LOGIN_FAILED',
    'LOGIN_METHOD_UNAVAILABLE',
    'ACCOUNT_LOCKED',
    'OVERLOADED',
  )
  completeSetup(
    @Body({ schema: setupCompletionSchema }) given: z.infer<typeof setupCompletionSchema>,
    @Req() request: Request,
  ) {
    this.#requireLocal();
    return this.local.completeSetup(given, addressOf(request, this.terms));
  }

  @Post('login/refresh')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({
    summary: 'Get the next access token',
    description: 'Each refresh token works once. One that comes again ends the login, since two have it.',
  })
  @ApiOkResponse({ standardSchema: tokensSchema })
  @Faults('REQUEST_INVALID', 'LOGIN_REQUIRED', 'ACCOUNT_UNKNOWN', 'ACCESS_DENIED')
  refresh(@Body({ schema: refreshSchema }) { refreshToken }: z.infer<typeof refreshSchema>) {
    return this.logins.refresh(refreshToken);
  }

  @Post('login/logout')
  @HttpCode(200)
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'End a login' })
  @ApiOkResponse({ standardSchema: loggedOutSchema })
  @Faults('REQUEST_INVALID')
  async logOut(@Body({ schema: refreshSchema }) { refreshToken }: z.infer<typeof refreshSchema>) {
    await this.logins.close(refreshToken);
    return { loggedOut: true };
  }

  @Get('whoami')
  @Allow({ roles: ROLES })
  @ApiOperation({ summary: 'Who am I, and what may I do?' })
  @ApiOkResponse({ standardSchema: whoamiSchema })
  @Faults('TOKEN_MISSING')
  whoami(@Person() { person, grants, authMs }: Caller) {
    return { person, grants, authMs };
  }

  #requireLocal(): void {
    if (!this.terms.local) throw new Fault('LOGIN_METHOD_UNAVAILABLE');
  }
}
