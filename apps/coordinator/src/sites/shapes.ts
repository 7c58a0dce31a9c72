import { z } from 'zod';
import { nameSchema } from '../runs/shapes.js';
import { TOKEN_MINUTES_MAX } from './invitations.js';

/** The JSON of sites, invitations, enrolments and the roster. */
const ms = z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 });
const siteName = nameSchema.meta({ example: 'hospital-a' });
const jurisdiction = z
  .string()
  .regex(/^[A-Z]{2}$/, 'a country’s code of ISO 3166-1 alpha-2')
  .meta({ description: 'The country whose law binds the site: ISO 3166-1 alpha-2.', example: 'DE' });
const fingerprint = z.string().meta({
  description: 'Six words of the site’s signing key, to compare by telephone.',
  example: 'abandon ability able about above absent',
});
const signing = z.string().meta({ description: 'The site’s Ed25519 public key, base64.' });

/** An envelope's bytes inside JSON. */
export const envelopeSchema = z
  .string()
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'base64 of a signed document')
  .max(2 * 1024 * 1024);

export const siteSchema = z
  .object({
    name: siteName,
    standing: z.enum(['enrolled', 'revoked', 'left']).meta({ description: '`left`: no roster lists it any more.' }),
    jurisdiction: jurisdiction.nullable(),
    fingerprint: fingerprint.nullable(),
    certificateEndsMs: ms.nullable().meta({ description: 'When its newest certificate ends.' }),
    connected: z.boolean(),
    lastSeenMs: ms.nullable().meta({ description: 'When its latest session began or ended.' }),
    software: z
      .string()
      .nullable()
      .meta({ description: 'The release of its agent, as it says.', example: 'consilium-agent 0.1.0' }),
  })
  .meta({ id: 'Site' });

export const sitesSchema = z.object({ sites: z.array(siteSchema) }).meta({ id: 'Sites' });

export const newInviteSchema = z
  .strictObject({
    site: siteName,
    jurisdiction,
    minutes: z.int().min(1).max(TOKEN_MINUTES_MAX).default(TOKEN_MINUTES_MAX),
  })
  .meta({ id: 'NewInvite' });

export const inviteSchema = z
  .object({
    token: z.string().meta({ description: 'Shown once, good once.', example: 'consilium-join.eyJ…' }),
    id: z.string().meta({ example: 'token-0123456789abcdef' }),
    site: siteName,
    expiresMs: ms,
  })
  .meta({ id: 'Invite' });

export const enrolmentSchema = z
  .object({
    site: siteName,
    kind: z.enum(['join', 'rekey']).meta({ description: 'A first key, or another one in place of the enrolled.' }),
    signing,
    jurisdiction,
    fingerprint,
    askedMs: ms,
  })
  .meta({ id: 'Enrolment' });
export const enrolmentsSchema = z.object({ enrolments: z.array(enrolmentSchema) }).meta({ id: 'Enrolments' });

export const decidedSchema = z
  .object({ site: siteName, standing: z.enum(['enrolled', 'refused', 'revoked']) })
  .meta({ id: 'Decided' });

export const newRosterSchema = z
  .strictObject({ roster: envelopeSchema.meta({ description: 'The next roster, signed by the root: base64.' }) })
  .meta({ id: 'NewRoster' });

export const rosterDetailSchema = z
  .object({
    version: z.int(),
    digest: z.string().meta({ description: 'SHA-256 of the document.' }),
    document: envelopeSchema.meta({ description: 'The envelope that the root has signed: base64.' }),
    roster: z.looseObject({}).meta({ description: 'What stands in it.' }),
  })
  .meta({ id: 'Roster' });
