/**
 * Writes messages of Protocol Buffers (the encoding of https://protobuf.dev/programming-guides/encoding): as much of it
 * as ONNX needs, so that a training graph costs no dependency. Fields are written in the order of the calls.
 */
export class ProtobufWriter {
  readonly #pieces: Uint8Array[] = [];

  /** A whole number; negative ones take ten bytes, as int64 does. */
  integer(field: number, value: number): this {
    return this.#varint(field << 3).#varint(value);
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5).#pieces.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2)
      .#varint(value.length)
      .#pieces.push(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.toBytes());
  }

  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.#pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** Seven bits a byte, lowest first; the high bit tells that more follow. */
  #varint(value: number): this {
    const bytes: number[] = [];
    for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
      if (rest < 128n) {
        bytes.push(Number(rest));
        break;
      }
      bytes.push(Number(rest & 127n) | 128);
    }
    this.#pieces.push(Uint8Array.from(bytes));
    return this;
  }
}
