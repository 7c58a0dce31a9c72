import { encodePublicKey, newSigningKey } from '@consilium/identity';
import { digestOf, utf8, type Digest, type SiteName, type StudyName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { ADMIN, BOTH, PROPOSER, publicKeyOf } from '../fixtures/keys.fixture.js';
import { envelopeOf, governance, planJson, planOf, studyJson } from '../fixtures/plan.fixture.js';
import type { NewStudy } from './studies.js';
import { StudyDesk } from './study-desk.fixture.js';

const trial = 'trial' as StudyName;
const alpha = 'alpha' as SiteName;
let desk: StudyDesk;
beforeEach(async () => {
  desk = await StudyDesk.open();
  await desk.studies.create(studyJson() as unknown as NewStudy);
});

async function proposed(people = [PROPOSER, ADMIN]): Promise<Digest> {
  const plan = await desk.studies.complete(trial, planJson());
  return (await desk.studies.propose(trial, utf8(envelopeOf(plan, people)))).digest;
}
const code = async (digest: Digest): Promise<string> =>
  desk.clearance.clear(digest).then(
    () => 'clear',
    (error: { code: string }) => error.code,
  );

describe('a plan may run', () => {
  it('when a proposer and an admin have signed it, and then with the documents that say so', async () => {
    const digest = await proposed();
    const cleared = await desk.clearance.clear(digest);
    expect(cleared).toMatchObject({ record: { digest }, roster: desk.rosters.current.digest });
    expect(cleared.envelope).toBe(digestOf(utf8(cleared.record.envelope)));
    expect(desk.clearance.standingOf(cleared.record)).toEqual({
      signers: [ADMIN, PROPOSER].map(({ person, roles }) => ({ person, roles })),
      refusal: null,
    });
  });

  it('still when the roster has changed for others: a site came, a person left', async () => {
    const digest = await proposed();
    await desk.change(
      {
        kind: 'admit',
        site: { name: 'omega' as SiteName, signing: encodePublicKey(newSigningKey().publicKey), jurisdiction: 'US' },
      },
      { kind: 'dismiss', person: BOTH.person },
    );
    expect(await code(digest)).toBe('clear');
  });

  it.each([
    ['its proposer alone', [PROPOSER]],
    ['one person who has both roles', [BOTH]],
  ])('not when %s has signed it', async (_, people) => {
    expect(await code(await proposed(people))).toBe('PLAN_NOT_SIGNED');
  });

  it.each([
    ['a proposer and one who may do both', [PROPOSER, BOTH]],
    ['one who may do both and an admin', [BOTH, ADMIN]],
  ])('when %s have signed it', async (_, people) => {
    expect(await code(await proposed(people))).toBe('clear');
  });

  it('not when one of those who have signed has left the federation, or has another key by now', async () => {
    const digest = await proposed();
    const rekeyed = { person: ADMIN.person, roles: ADMIN.roles, signing: encodePublicKey(newSigningKey().publicKey) };
    await desk.change({ kind: 'enlist', person: rekeyed });
    expect(await code(digest)).toBe('PLAN_NOT_SIGNED');
    await desk.change({ kind: 'dismiss', person: ADMIN.person });
    expect(await code(digest)).toBe('PLAN_NOT_SIGNED');
    expect(desk.clearance.standingOf(await desk.studies.plan(digest))).toEqual({
      signers: [],
      refusal: 'PLAN_NOT_SIGNED',
    });
    // Signed by others, the very same plan runs.
    const plan = await desk.studies.complete(trial, planJson());
    const { document } = await desk.studies.plan(digest);
    await desk.studies.sign(digest, utf8(envelopeOf(document, [PROPOSER, BOTH])));
    expect(await code(digest)).toBe('clear');
    expect(plan.roster.version).toBe(3);
  });

  it('not when a signer is an admin no more', async () => {
    const digest = await proposed();
    await desk.change({
      kind: 'enlist',
      person: { person: ADMIN.person, roles: ['proposer'], signing: publicKeyOf(ADMIN.key) },
    });
    expect(await code(digest)).toBe('PLAN_NOT_SIGNED');
  });

  it('not after the last day of its ethics approval', async () => {
    const digest = await proposed();
    desk.clock.time = Date.parse(governance().ethics.expires) + 86_400_000 - 1;
    expect(await code(digest)).toBe('clear');
    desk.clock.advance(1);
    expect(await code(digest)).toBe('ETHICS_EXPIRED');
  });

  it('not when a site of it has another key, or has left', async () => {
    const digest = await proposed();
    await desk.change({ kind: 'rekey', site: alpha, signing: encodePublicKey(newSigningKey().publicKey) });
    expect(await code(digest)).toBe('ROSTER_CHANGED');
    await desk.change({ kind: 'revoke', site: alpha });
    expect(await code(digest)).toBe('ROSTER_CHANGED');
  });

  it('not when a site of it is in a country that it does not list', async () => {
    const digest = await proposed();
    const { signing } = desk.rosters.site(alpha)!;
    await desk.change({ kind: 'admit', site: { name: alpha, signing, jurisdiction: 'US' } });
    expect(await code(digest)).toBe('JURISDICTION_REFUSED');
  });

  it('not while a site of it is revoked, whatever the roster says', async () => {
    const digest = await proposed();
    desk.register.revoke({ site: alpha, signing: '', by: '', revokedMs: 0 });
    expect(await code(digest)).toBe('SITE_REVOKED');
  });

  it('not when nobody ever signed it, or when it has no terms, as those of older releases', async () => {
    const { record } = planOf();
    await desk.store.createPlan({ ...record, envelope: null });
    expect(await code(record.digest)).toBe('PLAN_NOT_SIGNED');
    const old = { ...record, digest: '2'.repeat(64) as Digest, document: JSON.stringify(planJson()), envelope: null };
    await desk.store.createPlan(old);
    expect(await code(old.digest)).toBe('PLAN_INCOMPLETE');
    expect(await code('3'.repeat(64) as Digest)).toBe('NOT_FOUND');
  });
});
