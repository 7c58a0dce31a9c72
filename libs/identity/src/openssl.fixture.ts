import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether the openssl program is there: the second opinion of these tests. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** The openssl program with a folder of its own for the files that it reads. */
export class Openssl {
  readonly #folder = mkdtempSync(join(tmpdir(), 'consilium-identity-'));

  /** Writes a file and gives its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  read(path: string): Uint8Array {
    return new Uint8Array(readFileSync(path));
  }

  run(...args: string[]): { readonly ok: boolean; readonly out: string } {
    const { status, stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
    return { ok: status === 0, out: stdout };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
