import { randomBytes, timingSafeEqual } from 'node:crypto';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { Fault } from '@consilium/stdx';

/** Argon2id (RFC 9106): KiB of memory, passes and lanes. */
export interface PasswordCost {
  readonly m: number;
  readonly t: number;
  readonly p: number;
}

/** OWASP's smallest recommended setting: 19 MiB, two passes, one lane. */
export const PASSWORD_COST: PasswordCost = { m: 19_456, t: 2, p: 1 };

/** More are refused: each takes 19 MiB and most of a second of one core. */
const WAITING_MAX = 16;
/** The arithmetic gives way to everything else after this long. */
const TICK_MS = 2;
const HASH_BYTES = 32;
const SALT_BYTES = 16;

const LENGTH_MIN = 12;
/** Bytes; whoever sends megabytes wants to keep us busy. */
const LENGTH_MAX = 256;

/**
 * Passwords, hashed one after the other and without holding up the event loop for more than a few milliseconds at once.
 * The hash is a PHC string, so that a later release may choose a higher cost and still read it.
 */
export class Passwords {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** No password has this hash; to find that out costs what finding it out of a real one costs. */
  readonly #nobodys: string;

  constructor(private readonly cost: PasswordCost = PASSWORD_COST) {
    this.#nobodys = phc(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  /** PASSWORD_TOO_WEAK, or the hash. OVERLOADED while too many wait. */
  async hash(password: string, about: readonly string[] = []): Promise<string> {
    requireStrong(password, about);
    const salt = randomBytes(SALT_BYTES);
    return phc(this.cost, salt, await this.#argon2(password, salt, this.cost));
  }

  /**
   * Whether this is the password. Without a hash the answer is no, and takes as long: who asks cannot tell a name that
   * nobody has from a wrong password. OVERLOADED while too many wait.
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const { cost, salt, digest } = parsePhc(hash ?? this.#nobodys);
    const given = await this.#argon2(password.slice(0, LENGTH_MAX), salt, cost);
    return timingSafeEqual(given, digest) && hash !== undefined;
  }

  async #argon2(password: string, salt: Uint8Array, { m, t, p }: PasswordCost): Promise<Uint8Array> {
    if (this.#waiting >= WAITING_MAX) throw new Fault('OVERLOADED', { loginsMax: WAITING_MAX });
    this.#waiting++;
    const turn = this.#tail.then(() =>
      argon2idAsync(normal(password), salt, { m, t, p, dkLen: HASH_BYTES, asyncTick: TICK_MS }),
    );
    this.#tail = turn.catch(() => undefined); // the next one's turn comes however this one ended
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}

/** Length before alphabet soup (NIST SP 800-63B, 3.1.1.2): what people think up themselves, and nothing that names them. */
function requireStrong(password: string, about: readonly string[]): void {
  const text = normal(password);
  const plain = text.toLowerCase();
  const weak =
    [...text].length < LENGTH_MIN ||
    Buffer.byteLength(text) > LENGTH_MAX ||
    new Set(plain).size < 5 ||
    isRun(plain) ||
    about.some((word) => word.length > 2 && plain.includes(word.toLowerCase())) ||
    WORN.some((word) => plain.replaceAll(word, '').length < LENGTH_MIN / 2);
  if (weak) throw new Fault('PASSWORD_TOO_WEAK', { charactersMin: LENGTH_MIN, bytesMax: LENGTH_MAX });
}

/** The words that most lists of stolen passwords begin with. */
const WORN = [
  'password',
  'passwort',
  'consilium',
  'hospital',
  'qwertz',
  'qwerty',
  '123456',
  'letmein',
  'welcome',
  'admin',
];

/** abcdef…, 987654…: each character follows its neighbour. */
function isRun(text: string): boolean {
  const steps = [...text].slice(1).map((letter, i) => letter.codePointAt(0)! - text.codePointAt(i)!);
  return steps.filter((step) => Math.abs(step) <= 1).length > (2 / 3) * steps.length;
}

/** The same letters typed on another keyboard are the same password (NFKC, as NIST SP 800-63B asks). */
const normal = (password: string): string => password.normalize('NFKC');

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

const phc = ({ m, t, p }: PasswordCost, salt: Uint8Array, digest: Uint8Array): string =>
  `$argon2id$v=19$m=${m},t=${t},p=${p}$${base64(salt)}$${base64(digest)}`;

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parsePhc(hash: string): { cost: PasswordCost; salt: Uint8Array; digest: Uint8Array } {
  const [, m, t, p, salt, digest] = PHC.exec(hash) ?? [];
  if (salt === undefined || digest === undefined) throw new Fault('STATE_UNREADABLE', { expected: 'an Argon2id hash' });
  return {
    cost: { m: Number(m), t: Number(t), p: Number(p) },
    salt: Buffer.from(salt, 'base64'),
    digest: Buffer.from(digest, 'base64'),
  };
}
