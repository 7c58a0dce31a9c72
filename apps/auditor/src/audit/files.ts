import { DIGEST_PATTERN, type Digest } from '@consilium/stdx';
import { LOGS, pathOn, SHELVES, type Bundle, type Shelf } from '../bundle/bundle.js';
import type { Findings } from '../findings.js';
import type { Tools } from './tools.js';

/** Documents are JSON of a few kilobytes; a larger one is none. */
const DOCUMENT_BYTES_MAX = 1024 * 1024;

/**
 * The files that are named by their SHA-256, each hashed once: documents are kept in memory, models and updates are
 * read again by whoever computes with them. What no entry reaches in the end is a finding, and so are all other files.
 */
export class Files {
  readonly #documents = new Map<Digest, Uint8Array>();
  readonly #intact = new Set<string>();
  readonly #reached = new Set<string>();

  private constructor(
    private readonly bundle: Bundle,
    private readonly tools: Tools,
  ) {}

  static async read(bundle: Bundle, tools: Tools, findings: Findings): Promise<Files> {
    const files = new Files(bundle, tools);
    for (const path of bundle.paths) await files.#hash(path, findings);
    return files;
  }

  /** A document's bytes, which have this SHA-256. */
  bytesOf(digest: Digest): Uint8Array | undefined {
    return this.#documents.get(digest);
  }

  /** Whether a file of this name is there and has this SHA-256. */
  has(shelf: Shelf, digest: Digest): boolean {
    return this.#intact.has(pathOn(shelf, digest));
  }

  digestsOn(shelf: Shelf): readonly Digest[] {
    return shelf === 'document'
      ? [...this.#documents.keys()]
      : [...this.#intact].map((path) => digestIn(path, shelf)).filter((digest) => digest !== undefined);
  }

  /** The bytes of a model or an update, hashed again as they are read; undefined where it is not there or was altered. */
  async load(shelf: Shelf, digest: Digest): Promise<Uint8Array | undefined> {
    if (!this.has(shelf, digest)) return undefined;
    const bytes = await this.bundle.read(pathOn(shelf, digest));
    return bytes && this.tools.digest(bytes) === digest ? bytes : undefined;
  }

  /** An entry, or something that an entry leads to, names this file. */
  reach(path: string): void {
    this.#reached.add(path);
  }

  /** Reports every file that nothing leads to. To be called last. */
  reportUnreached(findings: Findings): void {
    for (const path of this.bundle.paths)
      if (!this.#reached.has(path)) findings.add('FILE_UNREFERENCED', null, 'a file that an entry leads to', path);
  }

  async #hash(path: string, findings: Findings): Promise<void> {
    if (path.startsWith(LOGS)) return;
    const shelf = shelves.find((one) => digestIn(path, one));
    if (!shelf) return; // nothing can lead to it, which is told in the end
    const named = digestIn(path, shelf)!;
    const bytes = await this.bundle.read(path);
    const came = bytes && this.tools.digest(bytes);
    if (came !== named) return findings.add('FILE_ALTERED', null, named, `${path} has ${came ?? 'no bytes'}`);
    this.#intact.add(path);
    if (shelf === 'document' && bytes!.byteLength <= DOCUMENT_BYTES_MAX) this.#documents.set(named, bytes!);
  }
}

const shelves = Object.keys(SHELVES) as readonly Shelf[];

function digestIn(path: string, shelf: Shelf): Digest | undefined {
  const { folder, suffix } = SHELVES[shelf];
  if (!path.startsWith(folder) || !path.endsWith(suffix)) return undefined;
  const name = path.slice(folder.length, -suffix.length);
  return DIGEST_PATTERN.test(name) ? (name as Digest) : undefined;
}
