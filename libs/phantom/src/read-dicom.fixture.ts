/**
 * A second, independent reading of Explicit VR Little Endian (PS3.5 7.1.2), for the tests only: what the writer wrote
 * must come back from a reader that shares no line with it.
 */
export interface ReadElement {
  readonly tag: string;
  readonly vr: string;
  readonly value: Buffer;
}

export function readElements(file: Uint8Array): ReadElement[] {
  const bytes = Buffer.from(file);
  const elements: ReadElement[] = [];
  for (let at = 132; at < bytes.length;) {
    const tag =
      bytes.readUInt16LE(at).toString(16).padStart(4, '0') +
      bytes
        .readUInt16LE(at + 2)
        .toString(16)
        .padStart(4, '0');
    const vr = bytes.toString('latin1', at + 4, at + 6);
    const long = ['OB', 'OW', 'UN', 'SQ'].includes(vr);
    const length = long ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    at += long ? 12 : 8;
    if (at + length > bytes.length) throw new Error(`element ${tag} reaches beyond the file`);
    elements.push({ tag, vr, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

export class ReadFile {
  readonly #elements: ReadonlyMap<string, ReadElement>;

  constructor(file: Uint8Array) {
    this.#elements = new Map(readElements(file).map((element) => [element.tag, element]));
  }

  has(tag: string): boolean {
    return this.#elements.has(tag);
  }

  /** Text without its padding. */
  text(tag: string): string | undefined {
    return this.#elements
      .get(tag)
      ?.value.toString('latin1')
      .replace(/[\0 ]+$/, '');
  }

  number(tag: string): number | undefined {
    return this.#elements.get(tag)?.value.readUInt16LE(0);
  }

  pixels(signed: boolean): number[] {
    const { value } = this.#elements.get('7fe00010')!;
    return Array.from({ length: value.length / 2 }, (_, i) =>
      signed ? value.readInt16LE(2 * i) : value.readUInt16LE(2 * i),
    );
  }
}
