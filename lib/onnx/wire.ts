/**
 * Protocol-buffer wire format, writing only (https://protobuf.dev/programming-guides/encoding).
 *
 * A message is a run of fields; a field is a varint tag, number << 3 | wire type, and its value.
 */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** int32, int64, bool and enum fields. Negative numbers take ten bytes, as two's complement of 64 bits. */
  int(field: number, value: number | bigint): this {
    return this.#append(varint((field << 3) | 0)).#append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(varint((field << 3) | 5)).#append(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#append(varint((field << 3) | 2))
      .#append(varint(value.length))
      .#append(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }

  #append(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
