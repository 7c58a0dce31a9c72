import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian puts PostgreSQL's programs; undefined where it is not installed. */
export const postgresBin = (() => {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return undefined;
  const version = readdirSync(base).sort((a, b) => Number(b) - Number(a))[0];
  return version && existsSync(join(base, version, 'bin/initdb')) ? join(base, version, 'bin') : undefined;
})();

export interface Postgres {
  readonly url: string;
  stop(): void;
}

/** A PostgreSQL of its own: own port, own data folder, gone afterwards. It refuses to run as root, so then it runs as `postgres`. */
export async function startPostgres(): Promise<Postgres> {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-postgres-'));
  const asRoot = process.getuid?.() === 0;
  if (asRoot) execFileSync('chown', ['postgres', dir]);
  const run = (...command: string[]): void => {
    const [program, ...args] = asRoot ? ['runuser', '-u', 'postgres', '--', ...command] : command;
    execFileSync(program!, args, { stdio: 'ignore', cwd: dir });
  };
  const port = await freePort();
  const data = join(dir, 'data');
  run(join(postgresBin!, 'initdb'), '-D', data, '-U', 'consilium', '-A', 'trust', '-E', 'UTF8');
  run(
    join(postgresBin!, 'pg_ctl'),
    '-D',
    data,
    '-w',
    '-l',
    join(dir, 'log'),
    '-o',
    `-p ${port} -c listen_addresses=127.0.0.1 -k ${dir}`,
    'start',
  );
  run(join(postgresBin!, 'createdb'), '-h', '127.0.0.1', '-p', String(port), '-U', 'consilium', 'consilium');
  return {
    url: `postgresql://consilium@127.0.0.1:${port}/consilium`,
    stop: () => {
      run(join(postgresBin!, 'pg_ctl'), '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
