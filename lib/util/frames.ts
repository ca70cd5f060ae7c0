import { deserialize, serialize } from "node:v8";

/**
 * Messages between a parent and a child that reads what strangers made, as structured clones behind their length. Node's own channel takes
 * what comes on trust: bytes that are no clone throw where nobody can catch it, and end the parent.
 */
export function toFrame(message: unknown): Buffer {
  const body = serialize(message);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

const LENGTH_BYTES = 4;

/** Puts together what comes in pieces. */
export class Frames {
  #pieces: Buffer[] = [];
  #held = 0;
  readonly #mostBytes: number;

  /** @param mostBytes of one message; what claims more is none */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @returns the messages that are whole now @throws where it cannot be one; nothing is taken any more then */
  take(piece: Buffer): unknown[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const messages: unknown[] = [];
    for (;;) {
      if (this.#held < LENGTH_BYTES) return messages;
      const length = this.#peek(LENGTH_BYTES).readUInt32LE();
      if (length > this.#mostBytes) throw new Error(`a message of ${length} bytes`);
      if (this.#held < LENGTH_BYTES + length) return messages;
      const frame = this.#peek(LENGTH_BYTES + length);
      this.#drop(LENGTH_BYTES + length);
      messages.push(deserialize(frame.subarray(LENGTH_BYTES)));
    }
  }

  /** The first bytes, in one piece; joined only where there are enough, so that a large message is not copied for each piece of it. */
  #peek(count: number): Buffer {
    if (this.#pieces[0]!.length < count) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #drop(count: number): void {
    const rest = this.#pieces[0]!.subarray(count);
    this.#pieces = rest.length > 0 ? [rest, ...this.#pieces.slice(1)] : this.#pieces.slice(1);
    this.#held -= count;
  }
}
