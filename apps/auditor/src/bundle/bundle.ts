/**
 * The evidence as plain files. There is no table of contents and no checksum over the whole: nothing in a bundle is
 * believed because the bundle says so. Every file is reached from an entry of a signed log, or it is a finding.
 *
 *   logs/<origin>/checkpoint            signed note (C2SP tlog-checkpoint) with its cosignatures
 *   logs/<origin>/tile/…                hash tiles and entry bundles (C2SP tlog-tiles)
 *   documents/<digest>.json             DSSE envelopes and other JSON, named by their SHA-256
 *   models/<digest>.safetensors         model versions
 *   retained/<digest>.safetensors       updates, where the plan says that they are kept
 */
export interface Bundle {
  /** Every file, folders separated by `/`, sorted by UTF-16 code unit. */
  readonly paths: readonly string[];
  /** The bytes, which the caller must not change; `undefined` where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
}

export const LOGS = 'logs/';

/** Where the files that are named by their digest stand, and how they end. */
export const SHELVES = {
  document: { folder: 'documents/', suffix: '.json' },
  model: { folder: 'models/', suffix: '.safetensors' },
  update: { folder: 'retained/', suffix: '.safetensors' },
} as const;
export type Shelf = keyof typeof SHELVES;

export const pathOn = (shelf: Shelf, digest: string): string =>
  `${SHELVES[shelf].folder}${digest}${SHELVES[shelf].suffix}`;

export const logFolder = (origin: string): string => `${LOGS}${origin}/`;

/** The origins of the logs in a bundle: every folder below `logs/` that has a checkpoint. */
export function originsIn(bundle: Bundle): readonly string[] {
  const end = '/checkpoint';
  return bundle.paths
    .filter((path) => path.startsWith(LOGS) && path.endsWith(end))
    .map((path) => path.slice(LOGS.length, -end.length));
}

/** A bundle in memory; `files` is kept, not copied. */
export class MemoryBundle implements Bundle {
  readonly paths: readonly string[];

  constructor(private readonly files: ReadonlyMap<string, Uint8Array>) {
    this.paths = [...files.keys()].sort();
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.files.get(path);
  }
}
