import { z } from 'zod';

/** What the coordinator tells about people. */
const grantShape = z.object({ role: z.string(), study: z.string().optional(), site: z.string().optional() });

export const whoamiShape = z.object({ person: z.string(), grants: z.array(grantShape), authMs: z.number() });

export const accountShape = z.object({
  person: z.string(),
  name: z.string(),
  login: z.string().nullable(),
  grants: z.array(grantShape),
  createdMs: z.number(),
  disabledMs: z.number().nullable(),
});
export const accountsShape = z.object({ accounts: z.array(accountShape) });
export const invitationShape = z.object({ person: z.string(), setupSecret: z.string(), setupExpiresMs: z.number() });
export const erasedShape = z.object({ erased: z.string() });

export type Grant = z.infer<typeof grantShape>;
export type Account = z.infer<typeof accountShape>;
export type Whoami = z.infer<typeof whoamiShape>;
