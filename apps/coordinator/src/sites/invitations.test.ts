import { parseJoinToken } from '@consilium/identity';
import { beforeEach, describe, expect, it } from 'vitest';
import { MACHINE } from '../people/person-id.js';
import { delta, Desk, HOUR_MS } from './desk.fixture.js';
import { Refusals } from './refusals.js';

let desk: Desk;
beforeEach(async () => void (desk = await Desk.open()));

describe('an invitation', () => {
  it('says where to go and whom to meet there, and pins the root', async () => {
    const { token, id, expiresMs } = await desk.desks.invitations.invite(
      { site: delta, jurisdiction: 'DK', minutes: 60 },
      MACHINE,
    );
    expect(parseJoinToken(token)).toMatchObject({
      federation: 'demo',
      site: delta,
      address: 'hub.example.org:7443',
      rootDigest: desk.federation.identity.rootDigest,
    });
    expect([id, expiresMs]).toEqual([expect.stringMatching(/^token-[0-9a-z]{16}$/), desk.clock.now() + HOUR_MS]);
    expect(desk.events.at(-1)).toEqual({ type: 'token.created', token: id, by: MACHINE });
  });

  it('is a secret of 256 bits, another one each time', async () => {
    const secrets = await Promise.all(
      Array.from({ length: 20 }, async () => parseJoinToken(await desk.invite()).secret),
    );
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  });

  it('is to a country, not to a union or a mistake', async () => {
    const invited = desk.desks.invitations.invite({ site: delta, jurisdiction: 'EU', minutes: 5 }, MACHINE);
    await expect(invited).rejects.toMatchObject({ code: 'REQUEST_INVALID', facts: { field: 'jurisdiction' } });
  });

  it('is one of a thousand at most, until others have expired', async () => {
    for (let i = 0; i < 1000; i++) await desk.invite();
    await expect(desk.invite()).rejects.toMatchObject({ code: 'OVERLOADED' });
    desk.clock.advance(HOUR_MS);
    await desk.invite();
  });
});

describe('refused attempts', () => {
  it('are written down a hundred times an hour, so that nobody fills the log', async () => {
    const refusals = new Refusals(desk.ledger, desk.clock);
    for (let i = 0; i < 150; i++) await refusals.record('JOIN_TOKEN_INVALID');
    expect(desk.refusedCodes).toHaveLength(100);
    desk.clock.advance(HOUR_MS);
    await refusals.record('CSR_INVALID');
    expect(desk.refusedCodes.at(-1)).toBe('CSR_INVALID');
  });
});
