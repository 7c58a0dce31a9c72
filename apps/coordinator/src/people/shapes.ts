import { z } from 'zod';
import { PERSON_ID_PATTERN } from './person-id.js';
import { grantSchema, ROLES } from './roles.js';

/** The JSON of logins and accounts. */

const secret = (length: number) => z.string().min(1).max(length);
const ms = z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 });

export const personIdSchema = z
  .string()
  .regex(PERSON_ID_PATTERN, 'a person’s id')
  .meta({ example: 'person-4k2x0zmjvsb9qw7d', description: 'The pseudonym by which the ledger knows this person.' });

export const loginNameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, dots and hyphens, at most 63')
  .meta({ example: 'a.weber' });

export const methodsSchema = z
  .object({
    oidc: z.boolean().meta({ description: 'Through the federation’s identity provider.' }),
    local: z.boolean().meta({ description: 'With an account of this coordinator.' }),
  })
  .meta({ id: 'LoginMethods' });

export const codeExchangeSchema = z
  .strictObject({
    code: secret(100).meta({ description: 'From the address that the browser was sent back to.' }),
    verifier: z
      .string()
      .regex(/^[\w.~-]{43,128}$/, '43 to 128 unreserved characters')
      .meta({ description: 'The `code_verifier` of RFC 7636.' }),
    redirectUri: z.string().max(100).meta({ example: 'http://127.0.0.1:52341/callback' }),
  })
  .meta({ id: 'CodeExchange' });

export const localLoginSchema = z
  .strictObject({
    login: z.string().min(1).max(63),
    password: secret(1024),
    code: z.string().min(6).max(40).meta({ description: 'Of the authenticator app, or a recovery code.' }),
  })
  .meta({ id: 'LocalLogin' });

export const setupSchema = z
  .strictObject({ secret: secret(100).meta({ description: 'The one-time secret that an admin handed over.' }) })
  .meta({ id: 'AccountSetup' });

export const enrolmentSchema = z
  .object({
    login: z.string(),
    secret: z.string().meta({ description: 'For the authenticator app, in base 32.' }),
    uri: z.string().meta({ description: 'The same as an otpauth URI, for a QR code.' }),
  })
  .meta({ id: 'OneTimeCodes' });

export const setupCompletionSchema = z
  .strictObject({
    secret: secret(100),
    password: secret(1024),
    code: z.string().regex(/^\d{6}$/, 'six digits'),
  })
  .meta({ id: 'SetupCompletion' });

export const recoveryCodesSchema = z
  .object({ recoveryCodes: z.array(z.string()).meta({ description: 'Shown only now; each works once.' }) })
  .meta({ id: 'RecoveryCodes' });

export const refreshSchema = z.strictObject({ refreshToken: secret(200) }).meta({ id: 'Refresh' });

export const tokensSchema = z
  .object({
    accessToken: z.string().meta({ description: 'A bearer token (RFC 6750, RFC 9068).' }),
    expiresInSeconds: z.int(),
    refreshToken: z.string().meta({ description: 'Works once, for the next pair.' }),
    person: personIdSchema,
    roles: z.array(z.enum(ROLES)),
  })
  .meta({ id: 'Tokens' });

export const loggedOutSchema = z.object({ loggedOut: z.literal(true) }).meta({ id: 'LoggedOut' });

export const whoamiSchema = z
  .object({
    person: personIdSchema,
    grants: z.array(grantSchema),
    authMs: ms.meta({ description: 'When you last proved who you are.' }),
  })
  .meta({ id: 'Whoami' });

export const accountSchema = z
  .object({
    person: personIdSchema,
    name: z.string(),
    login: z.string().nullable().meta({ description: 'Null for people of the identity provider.' }),
    grants: z.array(grantSchema),
    createdMs: ms,
    disabledMs: ms.nullable(),
  })
  .meta({ id: 'Account' });

export const accountsSchema = z.object({ accounts: z.array(accountSchema) }).meta({ id: 'Accounts' });

export const newAccountSchema = z
  .strictObject({
    login: loginNameSchema,
    name: z.string().min(1).max(200).optional().meta({ example: 'Dr. A. Weber' }),
    grants: z.array(grantSchema).max(50),
  })
  .meta({ id: 'NewAccount' });

export const invitationSchema = z
  .object({
    person: personIdSchema,
    setupSecret: z.string().meta({ description: 'Shown only now. For `consilium login --setup`.' }),
    setupExpiresMs: ms,
  })
  .meta({ id: 'Invitation' });

export const erasedSchema = z.object({ erased: personIdSchema }).meta({ id: 'Erased' });
