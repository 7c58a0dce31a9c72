import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, type Bundle } from './bundle.fixture.js';
import type { SandboxedChild } from './child.js';
import type { HostileProtocol } from './hostile-child.fixture.js';
import { spawnSandboxed, type SandboxOptions } from './spawn.js';

let hostile: Bundle;
beforeAll(async () => {
  hostile = await bundle('./hostile-child.fixture.ts');
});
afterAll(() => hostile.remove());

const children: SandboxedChild<HostileProtocol>[] = [];
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())));

async function start(options: Partial<SandboxOptions> = {}): Promise<SandboxedChild<HostileProtocol>> {
  const child = await spawnSandboxed<HostileProtocol>({
    modulePath: hostile.path,
    sandbox: 'off',
    heapMb: 64,
    graceMs: 300,
    ...options,
  });
  children.push(child);
  return child;
}

async function script(name: string, source: string): Promise<string> {
  const path = join(hostile.folder, name);
  await writeFile(path, source);
  return path;
}

describe('a call', () => {
  it('carries typed arrays there and back, views included', async () => {
    const child = await start();
    const whole = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    expect(await child.call('double', whole)).toEqual(whole.map((value) => 2 * value));
    expect(await child.call('double', whole.subarray(3, 5))).toEqual(Float32Array.of((2 * 3) / 7, (2 * 4) / 7));
  });

  it('carries many megabytes', async () => {
    const child = await start({ heapMb: 256 });
    const doubled = await child.call('double', new Float32Array(5_000_000).fill(1.5));
    expect(doubled).toHaveLength(5_000_000);
    expect(doubled.every((value) => value === 3)).toBe(true);
  });

  it('tells progress in order and always the newest, without a backlog', async () => {
    const told: number[] = [];
    await (await start()).call('double', Float32Array.of(1), { onProgress: (progress) => told.push(progress) });
    expect(told[0]).toBe(0);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.length).toBeLessThan(1000);
  });

  it('is answered beside others', async () => {
    const child = await start();
    expect(await Promise.all([1, 2, 3].map((value) => child.call('echo', value)))).toEqual([1, 2, 3]);
  });

  it('beyond the bound is refused and leaves the others alone', async () => {
    const child = await start();
    const many = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => child.call('echo', i)));
    const refused = many.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(4);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED' });
  });

  it('fails with the child’s fault, code and facts', async () => {
    await expect((await start()).call('fail', 'fault')).rejects.toMatchObject({
      code: 'DATA_LABEL_UNKNOWN',
      facts: { row: 7 },
    });
  });

  it('fails as INTERNAL for any other error, whose text stays in the cause', async () => {
    const fault = await (await start()).call('fail', 'error').catch((error: unknown) => error as Error);
    expect(fault).toMatchObject({ code: 'INTERNAL', facts: {} });
    expect((fault as Error).message).not.toContain('Muster');
    expect(String((fault as Error).cause)).toContain('Muster');
  });

  it('fails for an answer that cannot be sent', async () => {
    await expect((await start()).call('fail', 'unanswerable')).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('of an unknown name is refused', async () => {
    const child = (await start()) as unknown as SandboxedChild<{
      toString: { request: null; response: null; progress: null };
    }>;
    await expect(child.call('toString', null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an aborted call', () => {
  it('ends as soon as the child heeds it, which lives on', async () => {
    const child = await start({ graceMs: 20_000 });
    const abort = new AbortController();
    const call = child.call('wait', { heedsAbort: true }, { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await child.call('echo', 1)).toBe(1);
  });

  it('ends with the child where it does not heed it', async () => {
    const child = await start({ graceMs: 50 });
    const abort = new AbortController();
    const call = child.call('wait', { heedsAbort: false }, { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  it('is not made when it was aborted before', async () => {
    await expect((await start()).call('echo', 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('a child that dies', () => {
  it('by kill -9 fails the calls that wait, and later ones', async () => {
    const child = await start();
    const onProgress = (): void => void process.kill(child.pid, 'SIGKILL');
    const waiting = child.call('wait', { heedsAbort: false }, { onProgress });
    await expect(waiting).rejects.toMatchObject({ code: 'TRAINING_DIED', facts: { signal: 'SIGKILL' } });
    await expect(child.call('echo', 1)).rejects.toMatchObject({ code: 'TRAINING_DIED' });
  });

  it('tells its exit code as a fact and its last words in the cause only', async () => {
    const call = (await start()).call('die', { exitCode: 3, lastWords: 'out of luck' });
    const fault = (await call.catch((error: unknown) => error)) as Error;
    expect(fault).toMatchObject({ code: 'TRAINING_DIED', facts: { exitCode: 3 } });
    expect(fault.message).not.toContain('luck');
    expect(fault.cause).toContain('out of luck');
  });

  it('of a heap beyond its bound takes nobody with it', async () => {
    const fault = (await (
      await start({ heapMb: 32 })
    )
      .call('fillHeap', null)
      .catch((error: unknown) => error)) as Error;
    expect(fault).toMatchObject({ code: 'TRAINING_DIED' });
    expect(fault.cause).toContain('heap');
  });

  it('to us, by closing its channel and living on, is killed', async () => {
    const modulePath = await script(
      'mute.mjs',
      `process.on('message', () => process.disconnect());
       setInterval(() => undefined, 1000);
       process.send({ type: 'ready' });`,
    );
    const call = (await start({ modulePath, graceMs: 50 })).call('echo', 1);
    await expect(call).rejects.toMatchObject({ code: 'TRAINING_DIED', facts: { signal: 'SIGKILL' } });
  });

  it('before it is ready fails the start', async () => {
    const modulePath = await script('dies.mjs', 'console.error("broken"); process.exit(4);');
    await expect(start({ modulePath })).rejects.toMatchObject({ code: 'TRAINING_DIED', facts: { exitCode: 4 } });
  });

  it('without a word is not waited for', async () => {
    const modulePath = await script('silent.mjs', 'setInterval(() => undefined, 1000);');
    await expect(start({ modulePath, startMs: 200 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      facts: { afterMs: 200 },
    });
  });
});

describe('stopping', () => {
  it('lets the child end by itself', async () => {
    const child = await start();
    expect(await child.stop()).toEqual({ exitCode: 0, signal: null });
    expect(await child.stop()).toEqual({ exitCode: 0, signal: null });
  });

  it('kills a child that does not', async () => {
    const modulePath = await script(
      'stays.mjs',
      'process.on("disconnect", () => {}); setInterval(() => {}, 1000); process.send({ type: "ready" });',
    );
    const child = await start({ modulePath, graceMs: 100 });
    expect(await child.stop()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  it('does not mind what the child says out of turn', async () => {
    const modulePath = await script(
      'babbles.mjs',
      `for (const word of [null, 7, 'x', {}, { type: 'response', id: 99 }, { type: 'progress', id: 1 }]) process.send(word);
       process.on('message', ({ id }) => {
         process.send({ type: 'fault', id, code: 'NO_SUCH_CODE', facts: { good: 1, bad: {} } });
       });
       process.on('disconnect', () => process.exit(0));
       process.send({ type: 'ready' });`,
    );
    await expect((await start({ modulePath })).call('echo', 1)).rejects.toMatchObject({
      code: 'INTERNAL',
      facts: { good: 1 },
    });
  });
});
