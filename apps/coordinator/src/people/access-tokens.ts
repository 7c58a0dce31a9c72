import { ACCESS_TOKEN_SECONDS, issueAccessToken, verifyAccessToken, type SoftwareKey } from '@consilium/identity';
import type { Clock } from '@consilium/stdx';
import type { PersonId } from './person-id.js';
import type { Role } from './roles.js';

export { ACCESS_TOKEN_SECONDS };

/** What an access token proves. What its person may do is asked of the accounts, which know more than ten minutes ago. */
export interface Proof {
  readonly person: PersonId;
  readonly authMs: number;
}

/** The access tokens of this federation's coordinator, for this coordinator and nobody else. */
export class AccessTokens {
  readonly #issuer: string;

  constructor(
    private readonly key: SoftwareKey,
    federation: string,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    this.#issuer = `spiffe://${federation}/coordinator`;
  }

  issue(person: PersonId, roles: readonly Role[], authMs: number): Promise<string> {
    const { key, clock } = this;
    return issueAccessToken({ person, roles, authMs, key, ...this.#between, nowMs: clock.now() });
  }

  /** ACCESS_TOKEN_INVALID for every other text. */
  verify(token: string): Promise<Proof> {
    const { publicKey } = this.key;
    return verifyAccessToken(token, { publicKey, ...this.#between, nowMs: this.clock.now() });
  }

  get #between(): { issuer: string; audience: string } {
    return { issuer: this.#issuer, audience: this.#issuer };
  }
}
