import type { PrismaClient } from '../generated/client.js';
import type { Settings } from '../settings.js';
import { readToken } from '../token.js';
import { readPeopleKeys } from './keys.js';
import { PrismaPeopleStore } from './prisma-store.js';
import type { PeopleResources } from './providers.js';

/** Keys, credentials and accounts as the settings and the state folder have them; what is secret is told to the log. */
export async function openPeople(
  { state, http, people }: Settings,
  prisma: PrismaClient,
  secrets: Set<string>,
): Promise<PeopleResources> {
  const machineToken = http.machineToken ? await readToken(state) : undefined;
  for (const secret of [machineToken, people.oidc?.clientSecret]) if (secret !== undefined) secrets.add(secret);
  return {
    machineToken,
    store: new PrismaPeopleStore(prisma),
    keys: await readPeopleKeys(state),
    oidc: people.oidc,
    local: people.local,
    publicUrl: http.publicUrl,
    forwardedFor: http.forwardedFor,
  };
}
