/** The uncompressed little-endian transfer syntaxes that this release reads (PS3.5 annex A). */
export const SUPPORTED = { implicit: '1.2.840.10008.1.2', explicit: '1.2.840.10008.1.2.1' } as const;

/** What else hospitals send, by its UID, so that a refusal can name it; an unknown UID is never repeated. */
const NAMES: readonly (readonly [uid: RegExp, name: string])[] = [
  [/^1\.2\.840\.10008\.1\.2\.1\.99$/, 'Deflated Explicit VR Little Endian'],
  [/^1\.2\.840\.10008\.1\.2\.2$/, 'Explicit VR Big Endian'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(57|58|65|66|70)$/, 'JPEG Lossless'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(5\d|6\d)$/, 'JPEG'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(80|81)$/, 'JPEG-LS'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(90|91|92|93)$/, 'JPEG 2000'],
  [/^1\.2\.840\.10008\.1\.2\.4\.(201|202|203)$/, 'High-Throughput JPEG 2000'],
  [/^1\.2\.840\.10008\.1\.2\.4\.10\d$/, 'MPEG'],
  [/^1\.2\.840\.10008\.1\.2\.5$/, 'RLE Lossless'],
  [/^1\.2\.840\.10008\.1\.2\.8\.1$/, 'Deflated Image Frame Compression'],
];

export const isSupported = (uid: string): boolean => uid === SUPPORTED.implicit || uid === SUPPORTED.explicit;

/** The name of a transfer syntax that is not supported. */
export const nameOf = (uid: string): string => NAMES.find(([pattern]) => pattern.test(uid))?.[1] ?? 'unknown';
