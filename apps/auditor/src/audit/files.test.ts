import { createHash } from 'node:crypto';
import type { Digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { MemoryBundle, pathOn, type Shelf } from '../bundle/bundle.js';
import { Findings } from '../findings.js';
import { Files } from './files.js';
import { nodeTools } from './tools.js';

const bytes = new TextEncoder().encode('{}');
const digest = createHash('sha256').update(bytes).digest('hex') as Digest;

async function read(files: Iterable<readonly [string, Uint8Array]>): Promise<{ files: Files; findings: Findings }> {
  const findings = new Findings();
  return { files: await Files.read(new MemoryBundle(new Map(files)), nodeTools(), findings), findings };
}

describe('files named by their digest', () => {
  it.each<Shelf>(['document', 'model', 'update'])(
    'are there, and are read again when they are asked for: a %s',
    async (shelf) => {
      const { files, findings } = await read([[pathOn(shelf, digest), bytes]]);
      expect(findings.list).toEqual([]);
      expect(files.has(shelf, digest)).toBe(true);
      expect(files.digestsOn(shelf)).toEqual([digest]);
      expect(await files.load(shelf, digest)).toEqual(bytes);
      expect(files.bytesOf(digest)).toEqual(shelf === 'document' ? bytes : undefined);
    },
  );

  it('are altered when their bytes are others, and are then not there', async () => {
    const path = pathOn('model', digest);
    const { files, findings } = await read([[path, new Uint8Array([1])]]);
    expect(findings.list).toMatchObject([{ code: 'FILE_ALTERED', expected: digest }]);
    expect(files.has('model', digest)).toBe(false);
    expect(await files.load('model', digest)).toBeUndefined();
  });

  it('are on their own shelf only', async () => {
    const { files } = await read([[pathOn('model', digest), bytes]]);
    expect(files.has('update', digest)).toBe(false);
  });

  it('that change between two readings are not believed the second time', async () => {
    const path = pathOn('model', digest);
    let reads = 0;
    const bundle = { paths: [path], read: async () => (reads++ === 0 ? bytes : new Uint8Array([2])) };
    const files = await Files.read(bundle, nodeTools(), new Findings());
    expect(await files.load('model', digest)).toBeUndefined();
  });

  it('and all others are reported unless something led to them', async () => {
    const paths = [pathOn('document', digest), 'documents/readme.json', 'models/x', 'notes', 'logs/lung/notes'];
    const { files, findings } = await read(paths.map((path) => [path, bytes] as const));
    expect(findings.list).toEqual([]);
    files.reach(pathOn('document', digest));
    files.reportUnreached(findings);
    expect(findings.list.map(({ found }) => found)).toEqual([...paths.slice(1)].sort());
  });
});
