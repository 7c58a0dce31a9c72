import { newSigningKey } from '@consilium/identity';
import { MemoryPeopleStore } from './memory-store.js';
import type { PasswordCost } from './password.js';
import type { PeopleResources } from './providers.js';

/** The smallest that Argon2 allows: tests hash often and protect nobody. */
export const CHEAP: PasswordCost = { m: 8, t: 1, p: 1 };

/** People of a coordinator in memory: nobody but the machine until a test says otherwise. */
export const memoryPeople = (machineToken: string): PeopleResources => ({
  machineToken,
  store: new MemoryPeopleStore(),
  keys: { accessToken: newSigningKey(), sealing: new Uint8Array(32).fill(7) },
  local: true,
  forwardedFor: false,
  passwordCost: CHEAP,
});
