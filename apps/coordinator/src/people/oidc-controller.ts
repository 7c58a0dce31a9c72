import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Faults } from '../http/documentation.js';
import type { Reply, Request } from '../http/reply.js';
import { Open } from './allow.js';
import { cookieOf, cookieText } from './browser-cookie.js';
import { OidcLogin } from './oidc-login.js';
import { PublicUrl } from './public-url.js';

const CALLBACK = '/api/v1/login/oidc/callback';

const redirectUri = z.string().max(100).meta({ example: 'http://127.0.0.1:52341/callback' });
const challenge = z.string().regex(/^[\w-]{43}$/, 'the S256 challenge of RFC 7636');
const state = z.string().regex(/^[\w-]{16,100}$/, '16 to 100 letters, digits, hyphens and underscores');
const stepUp = z.enum(['true', 'false']).optional();

/** The browser's part of a login: from the program that asked, to the identity provider, and back. */
@ApiTags('Login')
@Controller('api/v1/login/oidc')
export class OidcController {
  constructor(
    @Inject(OidcLogin) private readonly login: OidcLogin,
    @Inject(PublicUrl) private readonly publicUrl: PublicUrl,
  ) {}

  @Get()
  @Open()
  @ApiSecurity({})
  @ApiOperation({
    summary: 'Begin a login through the identity provider',
    description:
      'For a browser. `redirect_uri` is where the program that asks listens, on this very machine (RFC 8252).',
  })
  @ApiResponse({ status: 302, description: 'To the identity provider.' })
  @Faults('REQUEST_INVALID', 'LOGIN_METHOD_UNAVAILABLE', 'IDENTITY_PROVIDER_UNAVAILABLE')
  async begin(
    @Query('redirect_uri', { schema: redirectUri }) to: string,
    @Query('code_challenge', { schema: challenge }) codeChallenge: string,
    @Query('state', { schema: state }) asked: string,
    @Query('step_up', { schema: stepUp }) step: z.infer<typeof stepUp>,
    @Res() reply: Reply,
  ): Promise<void> {
    const asking = { redirectUri: to, challenge: codeChallenge, state: asked, stepUp: step === 'true' };
    const { location, browser } = await this.login.begin(asking, this.publicUrl.of(CALLBACK));
    reply
      .status(302)
      .header('location', location)
      .header('set-cookie', cookieText(browser, this.publicUrl.secure))
      .send('');
  }

  @Get('callback')
  @Open()
  @ApiSecurity({})
  @ApiOperation({ summary: 'Come back from the identity provider', description: 'For a browser.' })
  @ApiResponse({ status: 302, description: 'To the program that asked, with a one-time code or the code of an error.' })
  @Faults('LOGIN_FAILED', 'IDENTITY_PROVIDER_UNAVAILABLE')
  async callback(@Req() request: Request, @Res() reply: Reply): Promise<void> {
    const { search } = new URL(request.raw.url ?? '', 'http://localhost');
    const callback = new URL(this.publicUrl.of(CALLBACK) + search);
    const location = await this.login.finish(callback, cookieOf(request.headers.cookie, this.publicUrl.secure));
    reply.status(302).header('location', location).header('set-cookie', cookieText('', this.publicUrl.secure)).send('');
  }
}
