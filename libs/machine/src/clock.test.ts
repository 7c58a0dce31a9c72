import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Waits a moment by the machine's clock in a program that has nothing else to do, and says so afterwards. */
function waitInProgram(before: string): { status: number | null; stdout: string } {
  const clock = fileURLToPath(new URL('../dist/clock.js', import.meta.url));
  const program = `
    import { stayAwake, systemClock } from ${JSON.stringify(clock)};
    ${before}
    await new Promise((resolve) => systemClock.after(300, resolve));
    console.log('waited');
    process.exit(0);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
}

it('a command that only waits stays awake as long as it asks for it', () => {
  expect(waitInProgram('stayAwake();')).toMatchObject({ status: 0, stdout: 'waited\n' });
});

it('the clock alone keeps no program alive, nor does what was let go', () => {
  for (const before of ['', 'stayAwake()();']) {
    const { status, stdout } = waitInProgram(before);
    // Node's own exit code for a program whose top-level await never ends.
    expect({ status, stdout }).toEqual({ status: 13, stdout: '' });
  }
});
