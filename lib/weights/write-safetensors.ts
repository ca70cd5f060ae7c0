import type { Tensor } from "#lib/tensor/tensor.ts";
import { MAX_HEADER_BYTES } from "./safetensors.ts";
import type { Refuse } from "./safetensors-defects.ts";
import { parseHeader } from "./safetensors-json.ts";

/**
 * A safetensors file. Equal contents give equal bytes: names are sorted, in the header and in the data.
 *
 *   8 bytes   N bytes, a multiple of 8                                          4 bytes an element
 *   ┌───────┬────────────────────────────────────────────────────────────────┬──────┬──────┬──
 *   │ N, LE │ {"__metadata__":{…},"a":{"dtype":…,"shape":…,"data_offsets":…},…}   │  a   │  b   │ …
 *   └───────┴────────────────────────────────────────────────────────────────┴──────┴──────┴──
 *
 * @throws RangeError where `readHeader` would refuse the file, for a name or a size
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor<Float32Array | Int32Array>>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const sorted = byName(tensors);
  let dataLength = 0;
  const members = sorted.map(([name, { data, shape }]) => {
    const begin = dataLength;
    dataLength += data.byteLength;
    return member(name, {
      dtype: data instanceof Float32Array ? "F32" : "I32",
      shape,
      data_offsets: [begin, dataLength],
    });
  });
  if (metadata.size > 0)
    members.unshift(`"__metadata__":{${byName(metadata).map(([name, value]) => member(name, value))}}`);
  const header = encodeHeader(`{${members}}`);

  const file = new Uint8Array(8 + header.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let offset = 8 + header.length;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}

const byName = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

// Written by hand, because an object would put names such as "10" first.
const member = (name: string, value: unknown): string => `${JSON.stringify(name)}:${JSON.stringify(value)}`;

function encodeHeader(json: string): Uint8Array {
  parseHeader(json, refuse);
  const header = Buffer.from(json + " ".repeat(-Buffer.byteLength(json) & 7));
  if (header.length > MAX_HEADER_BYTES)
    refuse("header_too_long", `its header would have ${header.length} bytes, and at most ${MAX_HEADER_BYTES} are read`);
  return header;
}

const refuse: Refuse = (_defect, what) => {
  throw new RangeError(`safetensors: this cannot be written, since ${what}`);
};
