import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IDENTITY_FILES, readChange, type IdentityChange, type IdentityFile } from '../identity-files.js';
import { changeIdentity, disk, finishChange, type Disk } from './change.js';
import { DeadlyDisk, everyKill, Killed } from './kill.fixture.js';

const NAMES = Object.keys(IDENTITY_FILES) as IdentityFile[];
const of = (word: string): IdentityChange => Object.fromEntries(NAMES.map((name) => [name, `${word} ${name}`]));
const STEPS = NAMES.length + 2;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'change-'));
  for (const name of NAMES) writeFileSync(join(folder, IDENTITY_FILES[name]), `old ${name}`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As whoever reads the identity sees it. */
async function seen(): Promise<IdentityChange> {
  const change = (await readChange(folder)) ?? {};
  const read = (name: IdentityFile): string => readFileSync(join(folder, IDENTITY_FILES[name]), 'utf8');
  return Object.fromEntries(NAMES.map((name) => [name, change[name] ?? read(name)]));
}
async function killedAt(n: number, when: 'before' | 'after', change: typeof changeIdentity): Promise<void> {
  await expect(change(folder, of('new'), new DeadlyDisk(n, when))).rejects.toBeInstanceOf(Killed);
}

describe('a change of several files of the identity', () => {
  it('replaces them, for their owner’s eyes only, and leaves nothing else', async () => {
    await changeIdentity(folder, of('new'));
    expect(await seen()).toEqual(of('new'));
    expect(readdirSync(folder).sort()).toEqual(Object.values(IDENTITY_FILES).sort());
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });

  it('takes as many steps as are killed here', async () => {
    const counting = new DeadlyDisk();
    await changeIdentity(folder, of('new'), counting);
    expect(counting.steps).toBe(STEPS);
  });

  it.each(everyKill(STEPS))(
    'killed at step %i, %s it happened, is all old or all new, and ends at the next start',
    async (n, when) => {
      await killedAt(n, when, changeIdentity);
      const after = await seen();
      expect([of('old'), of('new')]).toContainEqual(after);
      expect(after).toEqual(n === 1 && when === 'before' ? of('old') : of('new'));
      await finishChange(folder);
      expect(await seen()).toEqual(after);
      expect(readdirSync(folder)).not.toContain('change.json');
    },
  );

  it('would be seen to tear if it wrote the files one after the other', async () => {
    const careless = async (path: string, change: IdentityChange, to: Disk = disk): Promise<void> => {
      for (const name of NAMES)
        await to.write(new Map([[join(path, IDENTITY_FILES[name]), Buffer.from(change[name]!)]]));
    };
    await killedAt(3, 'before', careless);
    expect([of('old'), of('new')]).not.toContainEqual(await seen());
  });

  it('is finished twice without harm, also where one was killed while it was being finished', async () => {
    await killedAt(1, 'after', changeIdentity);
    await expect(finishChange(folder, new DeadlyDisk(4, 'after'))).rejects.toBeInstanceOf(Killed);
    expect(await seen()).toEqual(of('new'));
    await finishChange(folder);
    await finishChange(folder);
    expect(await seen()).toEqual(of('new'));
  });

  it.each([
    ['no JSON', 'half a ch'],
    ['another schema', '{"schema":"consilium.identity-change/2","files":{}}'],
    ['a file that is none of an identity', '{"schema":"consilium.identity-change/1","files":{"../x":"y"}}'],
  ])('is not guessed from a leftover of %s', async (_what, text) => {
    writeFileSync(join(folder, 'change.json'), text);
    await expect(readChange(folder)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    await expect(finishChange(folder)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
  });
});
