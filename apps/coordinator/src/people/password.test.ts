import { describe, expect, it } from 'vitest';
import { PASSWORD_COST, Passwords } from './password.js';
import { CHEAP } from './people.fixture.js';

const GOOD = 'seven lazy radiologists';
const passwords = new Passwords(CHEAP);

describe('a password', () => {
  it('is verified by its hash, and by no other', async () => {
    const hash = await passwords.hash(GOOD);
    expect(await passwords.verify(GOOD, hash)).toBe(true);
    expect(await passwords.verify(`${GOOD} `, hash)).toBe(false);
    expect(await passwords.verify(GOOD, await passwords.hash('another good one, truly'))).toBe(false);
  });

  it('is salted: the same twice has two hashes', async () => {
    expect(await passwords.hash(GOOD)).not.toBe(await passwords.hash(GOOD));
  });

  it('is hashed by Argon2id with the cost that the string tells, so that a later release may raise it', async () => {
    const old = await passwords.hash(GOOD);
    expect(old).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await new Passwords({ m: 16, t: 2, p: 1 }).verify(GOOD, old)).toBe(true);
  });

  it('is the same whatever keyboard composed its letters (NFKC)', async () => {
    const hash = await passwords.hash('Zürich läßt grüßen');
    expect(await passwords.verify('Zürich läßt grüßen'.normalize('NFD'), hash)).toBe(true);
  });

  it('is never right where there is no hash, and is looked at all the same', async () => {
    const before = performance.now();
    expect(await new Passwords({ m: 4096, t: 1, p: 1 }).verify(GOOD, undefined)).toBe(false);
    // The control: without arithmetic the answer would be there at once.
    expect(performance.now() - before).toBeGreaterThan(5);
  });

  it.each([
    ['is short', 'dü9#kL'],
    ['is one letter', 'aaaaaaaaaaaaaaaa'],
    ['is two letters', 'abababababababab'],
    ['counts', '123456789012345'],
    ['is the alphabet', 'abcdefghijklmnop'],
    ['is what everybody takes', 'Password123!'],
    ['is what everybody here takes', 'hospital-2026'],
    ['holds the login', 'a.weber and more'],
    ['is a book', 'word '.repeat(100)],
  ])('that %s is refused', async (_, password) => {
    await expect(passwords.hash(password, ['a.weber'])).rejects.toMatchObject({ code: 'PASSWORD_TOO_WEAK' });
  });

  it.each(['correct horse battery', 'Tr0ub4dor&3-and-more', 'пароль на русском', '磁気共鳴画像法と放射線治療の装置'])(
    'like %j is taken',
    async (password) => {
      expect(await passwords.hash(password, ['a.weber'])).toContain('$argon2id$');
    },
  );

  it('that a third party hashed is understood', async () => {
    // From Python's cryptography 48: Argon2id(salt=b'consilium vector', iterations=2, lanes=1, memory_cost=64).
    const hash = '$argon2id$v=19$m=64,t=2,p=1$Y29uc2lsaXVtIHZlY3Rvcg$qgakrVfIpFfZaOM0NefXDHNflmkbr4cUUZQb7s3tLic';
    expect(await passwords.verify(GOOD, hash)).toBe(true);
    expect(await passwords.verify('seven lazy radiologist', hash)).toBe(false);
  });
});

describe('hashing', () => {
  it('costs at least what OWASP asks for', () => {
    expect(PASSWORD_COST.m).toBeGreaterThanOrEqual(19 * 1024);
    expect(PASSWORD_COST.t).toBeGreaterThanOrEqual(2);
  });

  it('at its full cost leaves the event loop free in between', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const started = performance.now();
    await new Passwords().verify(GOOD, undefined);
    const took = performance.now() - started;
    clearInterval(timer);
    // Had it held on to the loop, not one turn of the timer would have come; a busy machine may skip most.
    expect(turns).toBeGreaterThan(took / 100);
  });

  it('takes one at a time and refuses what would pile up', async () => {
    const busy = new Passwords({ m: 64, t: 1, p: 1 });
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => busy.verify(GOOD, undefined)));
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(40 - 16);
    for (const answer of refused) expect(answer).toMatchObject({ reason: { code: 'OVERLOADED' } });
    expect(await busy.verify(GOOD, undefined)).toBe(false);
  });

  it('says that the state is damaged when a hash is none', async () => {
    for (const hash of ['', 'plain', '$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA'])
      await expect(passwords.verify(GOOD, hash)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
  });
});
