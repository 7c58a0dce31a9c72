import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault, digest as parseDigest, DIGEST_PATTERN, type Digest } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import { writeFileWhole } from '../files.js';

/** A whole digest from its beginning, as long as that names one model. Faults: NOT_FOUND, REQUEST_INVALID when several match. */
export async function resolveDigest(coordinator: Pick<Coordinator, 'models'>, beginning: string): Promise<Digest> {
  if (DIGEST_PATTERN.test(beginning)) return parseDigest(beginning);
  if (!/^[0-9a-f]{4,63}$/.test(beginning))
    throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'at least 4 hexadecimal digits' });
  const matching = new Set(
    (await coordinator.models()).map((model) => model.digest).filter((digest) => digest.startsWith(beginning)),
  );
  if (matching.size === 0) throw new Fault('NOT_FOUND', { model: beginning });
  if (matching.size > 1)
    throw new Fault('REQUEST_INVALID', { field: 'digest', expected: 'more digits', matching: matching.size });
  return parseDigest([...matching][0]!);
}

export interface Downloaded {
  readonly digest: Digest;
  /** The safetensors file. */
  readonly file: string;
  /** Beside it: manifest, measures, plan digest and the rounds that made it. */
  readonly about: string;
  readonly bytes: number;
}

/**
 * Downloads a model to `file` and what is known of it to `file.json`. The file stands there only if its SHA-256 is the
 * digest asked for; until then the bytes are in a temporary file beside it. Faults: MODEL_DIGEST_MISMATCH, DISK_FULL.
 */
export async function getModel(
  coordinator: Pick<Coordinator, 'model' | 'weights'>,
  digest: Digest,
  file: string,
): Promise<Downloaded> {
  const detail = await coordinator.model(digest);
  const bytes = await download(await coordinator.weights(digest), digest, file);
  const about = `${file}.json`;
  await writeFileWhole(about, `${JSON.stringify(detail, null, 2)}\n`);
  return { digest, file, about, bytes };
}

async function download(source: AsyncIterable<Uint8Array>, digest: Digest, file: string): Promise<number> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const target = await open(temporary, 'wx');
    try {
      for await (const chunk of source) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        await target.writeFile(chunk);
      }
      await target.sync();
    } finally {
      await target.close();
    }
    if (hash.digest('hex') !== digest) throw new Fault('MODEL_DIGEST_MISMATCH', { bytes });
    await rename(temporary, file);
    return bytes;
  } catch (error) {
    await rm(temporary, { force: true });
    if (isErrno(error, 'ENOSPC', 'EDQUOT')) throw new Fault('DISK_FULL', {}, error);
    // A TypeError is how fetch tells that the body broke off.
    throw error instanceof TypeError ? new Fault('UNAVAILABLE', { bytes }, error) : error;
  }
}
