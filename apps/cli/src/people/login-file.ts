import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, parseShape } from '@consilium/stdx';
import { z } from 'zod';
import { readTextFile, writeFileWhole } from '../files.js';

/** One coordinator that this person is logged in to. */
const loginShape = z.object({
  accessToken: z.string().min(1),
  /** By this machine's clock. UTC milliseconds. */
  expiresMs: z.int(),
  refreshToken: z.string().min(1),
  person: z.string(),
});
const fileShape = z.object({
  schema: z.literal('consilium.logins/1'),
  /** The origin of the coordinator that was logged in to last. */
  current: z.string().nullable(),
  logins: z.record(z.string(), loginShape),
});

export type Login = z.infer<typeof loginShape>;
export type Logins = z.infer<typeof fileShape>;

const NONE: Logins = { schema: 'consilium.logins/1', current: null, logins: {} };

/** The file with this person's logins, by the coordinator's origin. For their eyes only, from the first byte on. */
export class LoginFile {
  readonly #file: string;

  constructor(readonly folder: string) {
    this.#file = join(folder, 'logins.json');
  }

  /** STATE_UNREADABLE for a file that this release does not understand. */
  async read(): Promise<Logins> {
    const text = await readTextFile(this.#file);
    if (text === undefined) return NONE;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new Fault('STATE_UNREADABLE', { file: 'logins.json' }, error);
    }
    return parseShape(fileShape, value, 'STATE_UNREADABLE');
  }

  async write(logins: Logins): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await chmod(this.folder, 0o700);
    await writeFileWhole(this.#file, `${JSON.stringify(logins, null, 2)}\n`, 0o600);
  }
}
