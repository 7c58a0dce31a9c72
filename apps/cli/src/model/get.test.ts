import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest, Fault, type Digest } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelDetail, ModelListed } from '../api/shapes.js';
import { modelOf } from '../testing/coordinator.fixture.js';
import { getModel, resolveDigest } from './get.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-model-'))));
afterEach(() => rm(folder, { recursive: true }));

const MODEL = modelOf(new Uint8Array(100_000).fill(7));
const DIGEST = digest(MODEL.digest);
const about: ModelDetail = {
  digest: DIGEST,
  planDigest: 'p',
  run: 'r',
  round: 20,
  createdMs: 5,
  manifest: {},
  metrics: [],
  rounds: [1, 2],
};

async function* pieces(bytes: Uint8Array, fails?: unknown): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 40_000) yield bytes.subarray(at, at + 40_000);
  if (fails !== undefined) throw fails;
}

const source = (bytes: Uint8Array, fails?: unknown) => ({
  model: () => Promise.resolve(about),
  weights: () => Promise.resolve(pieces(bytes, fails)),
});

describe('downloading a model', () => {
  it('writes the file as it came, and what is known of it beside it', async () => {
    const file = join(folder, 'new', 'm.safetensors');
    expect(await getModel(source(MODEL.bytes), DIGEST, file)).toEqual({
      digest: DIGEST,
      file,
      about: `${file}.json`,
      bytes: 100_000,
    });
    expect(new Uint8Array(await readFile(file))).toEqual(MODEL.bytes);
    expect(JSON.parse(await readFile(`${file}.json`, 'utf8'))).toEqual(about);
  });

  it('refuses bytes of another digest and leaves nothing behind', async () => {
    const changed = MODEL.bytes.slice();
    changed[99_999] = 8;
    await expect(getModel(source(changed), DIGEST, join(folder, 'm'))).rejects.toMatchObject({
      code: 'MODEL_DIGEST_MISMATCH',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a model that ends too early', async () => {
    await expect(getModel(source(MODEL.bytes.subarray(0, 99_999)), DIGEST, join(folder, 'm'))).rejects.toMatchObject({
      code: 'MODEL_DIGEST_MISMATCH',
    });
  });

  it('is UNAVAILABLE when the connection breaks, and leaves nothing behind', async () => {
    await expect(
      getModel(source(MODEL.bytes, new TypeError('terminated')), DIGEST, join(folder, 'm')),
    ).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps an older file when the new one does not come', async () => {
    const file = join(folder, 'm');
    await getModel(source(MODEL.bytes), DIGEST, file);
    await getModel(source(new Uint8Array(3)), DIGEST, file).catch(() => {});
    expect(new Uint8Array(await readFile(file))).toEqual(MODEL.bytes);
  });
});

describe('naming a model by the beginning of its digest', () => {
  const listed = (...digests: string[]) => ({
    models: () =>
      Promise.resolve(
        digests.map((each): ModelListed => ({ digest: each, planDigest: 'p', run: 'r', round: 1, createdMs: 1 })),
      ),
  });
  const a = 'abcd'.repeat(16);
  const b = `abcd${'0'.repeat(60)}`;

  it('takes a whole digest without asking', async () => {
    const silent = { models: (): Promise<ModelListed[]> => Promise.reject(new Fault('UNAVAILABLE')) };
    expect(await resolveDigest(silent, a)).toBe(a as Digest);
  });

  it('finds the one that begins so, also if several runs published it', async () => {
    expect(await resolveDigest(listed(a, a), 'abcd')).toBe(a);
  });

  it('refuses one that several begin with', async () => {
    await expect(resolveDigest(listed(a, b), 'abcd')).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      facts: { matching: 2 },
    });
    expect(await resolveDigest(listed(a, b), 'abcd0')).toBe(b);
  });

  it('is NOT_FOUND where none begins so', async () => {
    await expect(resolveDigest(listed(a), 'ffff')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each(['abc', 'ABCD', 'xyz0', `${'a'.repeat(64)}a`, ''])('refuses %j', async (text) => {
    await expect(resolveDigest(listed(a), text)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
