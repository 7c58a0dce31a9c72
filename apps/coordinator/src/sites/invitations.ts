import { randomInt } from 'node:crypto';
import { joinTokenDigest, newJoinToken } from '@consilium/identity';
import { isJurisdiction } from '@consilium/round';
import { Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { PersonId } from '../people/person-id.js';
import type { EnrolmentStore, TokenRecord } from './store.js';

/** What is invited is expected soon: a token that lies about is worth stealing. */
export const TOKEN_MINUTES_MAX = 60;
/** Tokens that can be used at one time. */
const OPEN_MAX = 1000;

/** What an admin sends to a hospital. */
export interface Invitation {
  /** The one-time token: shown once, and kept nowhere. */
  readonly token: string;
  readonly id: string;
  readonly site: SiteName;
  readonly expiresMs: number;
}

/** One-time tokens: for one site, for an hour at most, good once. Only the SHA-256 of each is kept. */
export class Invitations {
  constructor(
    private readonly parts: {
      readonly store: EnrolmentStore;
      readonly ledger: Pick<Ledger, 'seal' | 'stored'>;
      readonly clock: Clock;
      readonly federation: string;
      readonly rootDigest: Digest;
      /** HOST:PORT under which agents reach this coordinator; known once it listens. */
      readonly address: () => string;
    },
  ) {}

  /** Faults: REQUEST_INVALID for a place that is no country, OVERLOADED. */
  async invite(
    asked: { readonly site: SiteName; readonly jurisdiction: string; readonly minutes: number },
    by: PersonId,
  ): Promise<Invitation> {
    const { store, ledger, clock, federation, rootDigest, address } = this.parts;
    const { site, jurisdiction, minutes } = asked;
    if (!isJurisdiction(jurisdiction)) {
      throw new Fault('REQUEST_INVALID', { field: 'jurisdiction', expected: 'a country’s code of ISO 3166-1 alpha-2' });
    }
    const now = clock.now();
    if ((await store.openTokens(now)) >= OPEN_MAX) throw new Fault('OVERLOADED', { tokensMax: OPEN_MAX });
    const token = newJoinToken({ federation, site, address: address(), rootDigest });
    const expiresMs = now + minutes * 60_000;
    const id = mintTokenId();
    const { digest } = token;
    const record: TokenRecord = { digest, id, site, jurisdiction, expiresMs, usedMs: null };
    await store.createToken(record, now, ledger.seal([{ type: 'token.created', token: id, by }]));
    ledger.stored();
    return { token: token.text, id, site, expiresMs };
  }

  /** The token that this secret is of, if it can still be used. JOIN_TOKEN_INVALID otherwise, without saying why. */
  async find(secret: string): Promise<TokenRecord> {
    const { store, clock } = this.parts;
    const token = await store.findToken(joinTokenDigest(secret));
    if (!token || token.usedMs !== null || token.expiresMs <= clock.now()) throw new Fault('JOIN_TOKEN_INVALID');
    return token;
  }
}

const ID_DIGITS = 16;
/** 16 digits of 36: 82 bits, so that no two are ever the same. */
const mintTokenId = (): string =>
  `token-${Array.from({ length: ID_DIGITS }, () => randomInt(36).toString(36)).join('')}`;
