import { fromUtf8 } from '@consilium/stdx';
import { readHeaderJson, type HeaderObject, type HeaderValue } from './header-json.js';
import { isTensorName, layoutManifest, sizeOfShape, type Manifest } from './manifest.js';
import { broken } from './rules.js';

/** What a reader is willing to take. The format itself allows headers of up to 100 MB. */
export interface SafetensorsLimits {
  /** Largest header in bytes; 16 MiB unless given, room for some hundred thousand tensors. */
  readonly headerBytesMax: number;
}

/** What the header says: the manifest in the order of the data, and the byte of the file at which the data begins. */
export interface Header {
  readonly manifest: Manifest;
  readonly dataStart: number;
}

const DEFAULT_LIMITS: SafetensorsLimits = { headerBytesMax: 16 * 1024 * 1024 };
export const LENGTH_BYTES = 8;
const F32_BYTES = 4;

/** Every dtype of the format as of safetensors 0.8. We name them to tell “not for us” from “not safetensors”. */
// prettier-ignore
const DTYPES: ReadonlySet<string> = new Set([
  'BOOL', 'F4', 'F6_E2M3', 'F6_E3M2', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ',
  'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'C64', 'F64', 'I64', 'U64',
]);

/**
 * Reads and checks a file's header against all {@link RULES}. `bytes` may be just the beginning of a file of
 * `fileBytes` bytes, as long as the header is in it, so a file can be refused before its data are read.
 * Throws SAFETENSORS_MALFORMED naming the broken rule. Nothing is allocated on the word of the file alone.
 */
export function readHeader(
  bytes: Uint8Array,
  limits: SafetensorsLimits = DEFAULT_LIMITS,
  fileBytes: number = bytes.byteLength,
): Header {
  const dataStart = LENGTH_BYTES + headerLength(bytes, limits);
  const tensors = readHeaderJson(headerText(bytes.subarray(LENGTH_BYTES, dataStart)));
  const entries = readEntries(tensors);
  checkLayout(entries, fileBytes - dataStart);
  return { manifest: layoutManifest(entries), dataStart };
}

function headerLength(bytes: Uint8Array, { headerBytesMax }: SafetensorsLimits): number {
  if (bytes.byteLength < LENGTH_BYTES) throw broken('lengthPrefix', { cameBytes: bytes.byteLength });
  // As a bigint: the field is 64 bits wide and a hostile one does not fit a JavaScript number.
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(headerBytesMax)) throw broken('headerLimit', { limitBytes: headerBytesMax });
  const room = bytes.byteLength - LENGTH_BYTES;
  if (length > BigInt(room)) throw broken('headerInside', { headerBytes: Number(length), cameBytes: room });
  return Number(length);
}

function headerText(header: Uint8Array): string {
  // Before decoding, which would silently drop a byte order mark.
  if (header[0] !== 0x7b) throw broken('headerBrace');
  try {
    return fromUtf8(header);
  } catch {
    throw broken('headerUtf8');
  }
}

/** A tensor as its file describes it; `position` counts from 0 in the header, `begin` and `end` are bytes of the data buffer. */
interface Entry {
  readonly position: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The tensors in the order of their data, which is the order of the weights; the header may list them in another. */
function readEntries(header: HeaderObject): Entry[] {
  const entries: Entry[] = [];
  for (const [name, value] of header) {
    if (name === '__metadata__') checkMetadata(value);
    else entries.push(readEntry(name, value, entries.length));
  }
  // An empty tensor goes before the one that begins where it stands; Array.sort is stable, so equal ones keep the header's order.
  return entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
}

function checkMetadata(value: HeaderValue): void {
  const isMap = value instanceof Map && [...value.values()].every((text) => typeof text === 'string');
  if (!isMap) throw broken('metadataForm');
}

function readEntry(name: string, value: HeaderValue, position: number): Entry {
  if (!isTensorName(name)) throw broken('tensorName', { tensor: position });
  const fields = value instanceof Map ? (value as HeaderObject) : undefined;
  const [dtype, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((field) => fields?.get(field));
  if (fields?.size !== 3 || typeof dtype !== 'string' || shape === undefined || offsets === undefined) {
    throw broken('tensorForm', { tensor: position });
  }
  if (!DTYPES.has(dtype)) throw broken('dtypeKnown', { tensor: position });
  if (dtype !== 'F32') throw broken('dtypeSupported', { tensor: position, dtype });
  if (!isWholes(shape)) throw broken('shapeForm', { tensor: position });
  if (!isWholes(offsets) || offsets.length !== 2) throw broken('offsetsForm', { tensor: position });
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw broken('offsetsForm', { tensor: position, begin, end });
  return { position, name, shape, begin, end };
}

const isWholes = (value: HeaderValue): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');

/** Each tensor has the bytes that its shape needs, and together they use the data buffer once, without a gap. */
function checkLayout(entries: readonly Entry[], dataBytes: number): void {
  let expected = 0;
  for (const { position: tensor, shape, begin, end } of entries) {
    const size = sizeOfShape(shape);
    if (size === undefined) throw broken('shapeForm', { tensor });
    if (end - begin !== size * F32_BYTES) {
      throw broken('dataSize', { tensor, expectedBytes: size * F32_BYTES, cameBytes: end - begin });
    }
    if (end > dataBytes) throw broken('dataInside', { tensor, end, dataBytes });
    if (begin < expected) throw broken('dataOverlap', { tensor, begin, expected });
    if (begin > expected) throw broken('dataHole', { tensor, begin, expected });
    expected = end;
  }
  if (expected !== dataBytes) throw broken('dataCovered', { usedBytes: expected, dataBytes });
}
