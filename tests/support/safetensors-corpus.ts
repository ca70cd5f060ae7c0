import type { Defect } from "#lib/weights/safetensors-defects.ts";

/** One file that claims to be safetensors. `defect` is why a strict reader refuses it; null where it reads it. */
export interface CorpusFile {
  readonly id: string;
  readonly what: string;
  readonly defect: Defect | null;
  readonly build: () => Uint8Array;
}

/**
 * Files that are sound, hostile or merely wrong: V sound, L length, H header text, K names and fields, M metadata, O offsets,
 * D dtype and shape, F other formats, N odd names, X what the limits and the grammar of our own reader add.
 */
export const corpus: readonly CorpusFile[] = [
  accept("V01", "F32 [2]", () => pack({ w: f32(2) }, 8)),
  accept("V02", "F16 with metadata", () => pack({ __metadata__: { format: "pt" }, w: entry("F16", [3], 0, 6) }, 6)),
  accept("V03", "a scalar", () => pack({ w: entry("F32", [], 0, 4) }, 4)),
  accept("V04", "four spaces after the header", () => pack(`${json({ w: f32(2) })}    `, 8)),
  accept("V05", "unsorted names", () => pack({ z: f32(1), a: f32(1, 4), m: f32(1, 8) }, 12)),
  accept("V06", "only an empty tensor", () => pack({ w: entry("F32", [0, 7], 0, 0) })),
  accept("V07", "no tensors, no data", () => pack("{}")),
  accept("V08", "F8_E4M3", () => pack({ w: entry("F8_E4M3", [5], 0, 5) }, 5)),

  refuse("L01", "an empty file", "too_short", () => new Uint8Array(0)),
  refuse("L02", "seven bytes", "too_short", () => new Uint8Array(7)),
  refuse("L03", "N = 0", "too_short", () => withLength(0n, "")),
  refuse("L04", "N = 1000 before {}", "truncated", () => withLength(1000n, "{}")),
  refuse("L05", "N = 100,000,001", "header_too_long", () => withLength(100_000_001n, "{}")),
  refuse("L06", "N = 2^64 − 1", "header_too_long", () => withLength(2n ** 64n - 1n, "{}")),
  refuse("L07", "N = 2^63 − 1", "header_too_long", () => withLength(2n ** 63n - 1n, "{}")),
  refuse("L08", "N = 2^53 + 1", "header_too_long", () => withLength(2n ** 53n + 1n, "{}")),
  refuse("L09", "N one more than there is", "truncated", () => withLength(3n, "{}")),
  refuse("L10", "N big-endian", "header_too_long", () => withLength(2n << 56n, "{}")),

  refuse("H01", "not JSON", "bad_syntax", () => pack("not json")),
  refuse("H02", "an array", "bad_syntax", () => pack("[]")),
  refuse("H03", "null", "bad_syntax", () => pack("null")),
  refuse("H04", "a space before the header", "bad_syntax", () => pack(" {}")),
  refuse("H05", "a byte order mark", "bad_syntax", () => pack("\u{feff}{}")),
  refuse("H06", "a name that is not UTF-8", "not_utf8", () => pack(latin1(json({ "w\xff": f32(2) })), 8)),
  refuse("H07", "NUL bytes after the header", "bad_padding", () => pack("{}\0\0\0\0\0\0")),
  refuse("H08", "{}x", "bad_padding", () => pack("{}x")),
  refuse("H09", "{}{}", "bad_padding", () => pack("{}{}")),
  refuse("H10", "an array 200,000 deep", "bad_integer", () =>
    pack(`{"w":{"dtype":"F32","shape":${"[".repeat(200_000)}`),
  ),
  refuse("H11", "a trailing comma", "bad_syntax", () => pack(`{"w":${json(f32(2))},}`, 8)),
  refuse("H12", "NaN as a value", "bad_syntax", () => pack('{"w":NaN}')),
  refuse("H13", "half of a surrogate pair in a name", "lone_surrogate", () => pack(`{"w\\ud800":${json(f32(2))}}`, 8)),
  refuse("H14", "NUL in a name", "control_character", () => pack({ "w\0": f32(2) }, 8)),
  refuse("H15", "a line feed after the header", "bad_padding", () => pack("{}\n")),

  refuse("K01", "the same name twice", "duplicate_name", () => pack(`{"w":${json(f32(2))},"w":${json(f32(2))}}`, 8)),
  refuse("K02", "the same name twice, once escaped", "duplicate_name", () =>
    pack(`{"w":${json(f32(2))},"\\u0077":${json(f32(2))}}`, 8),
  ),
  refuse("K03", "dtype twice", "duplicate_field", () =>
    pack('{"w":{"dtype":"F16","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 8),
  ),
  refuse("K04", "__metadata__ twice", "duplicate_metadata", () =>
    pack('{"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}}'),
  ),
  refuse("K05", "the same metadata key twice", "duplicate_metadata", () => pack('{"__metadata__":{"a":"1","a":"2"}}')),
  refuse("K06", "a tensor named __proto__", "reserved_name", () => pack(`{"__proto__":${json(f32(2))}}`, 8)),
  refuse("K07", "an unknown field", "unknown_field", () => pack({ w: { ...f32(2), stride: [1] } }, 8)),
  refuse("K08", "no dtype", "missing_field", () => pack({ w: { shape: [2], data_offsets: [0, 8] } }, 8)),
  refuse("K09", "no offsets", "missing_field", () => pack({ w: { dtype: "F32", shape: [2] } }, 8)),

  refuse("M01", "a number in the metadata", "bad_metadata", () => pack({ __metadata__: { step: 1 } })),
  refuse("M02", "an object in the metadata", "bad_metadata", () => pack({ __metadata__: { step: {} } })),
  refuse("M03", "metadata as an array", "bad_metadata", () => pack({ __metadata__: ["a"] })),
  refuse("M04", "metadata null", "bad_metadata", () => pack({ __metadata__: null })),
  accept("M05", "markup in the metadata", () =>
    pack({ __metadata__: { ss_tag_frequency: "<img src=x onerror=alert(1)>" }, w: f32(2) }, 8),
  ),
  refuse("M06", "one metadata value of 10 MB, beyond our limit of 4 MiB", "too_much_metadata", () =>
    pack({ __metadata__: { a: "x".repeat(10_000_000) } }),
  ),
  refuse("M07", "1,000,000 metadata keys", "too_much_metadata", () =>
    pack(`{"__metadata__":{${numbered(1_000_000, (i) => `"${i}":""`)}}}`),
  ),

  refuse("O01", "an overlap", "overlap", () => pack({ a: f32(2), b: f32(2, 4) }, 12)),
  refuse("O02", "a gap", "hole", () => pack({ a: f32(2), b: f32(2, 12) }, 20)),
  refuse("O03", "the first tensor not at 0", "hole", () => pack({ w: f32(2, 4) }, 12)),
  refuse("O04", "end before begin", "bad_offsets", () => pack({ w: entry("F32", [2], 8, 0) }, 8)),
  refuse("O05", "an end past the end of the file", "truncated", () => pack({ w: f32(200) }, 8)),
  refuse("O06", "a ZIP signature after the last tensor", "trailing_bytes", () =>
    pack({ w: f32(2) }, Buffer.from("\0\0\0\0\0\0\0\0PK\x03\x04")),
  ),
  refuse("O07", "a negative offset", "bad_integer", () => pack({ w: entry("F32", [2], -8, 0) }, 8)),
  refuse("O08", "offsets 0.0 and 4.0", "bad_integer", () =>
    pack('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0.0,4.0]}}', 4),
  ),
  refuse("O09", "offsets as strings", "bad_integer", () => pack({ w: { ...f32(1), data_offsets: ["0", "4"] } }, 4)),
  refuse("O10", "one offset", "bad_offsets", () => pack({ w: { ...f32(1), data_offsets: [4] } }, 4)),
  refuse("O11", "three offsets", "bad_offsets", () => pack({ w: { ...f32(1), data_offsets: [0, 4, 8] } }, 4)),
  refuse("O12", "an offset 4e0", "bad_integer", () =>
    pack('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4e0]}}', 4),
  ),
  refuse("O13", "an end of 2^64 − 1", "integer_too_large", () =>
    pack('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}', 4),
  ),
  refuse("O14", "a size of 2^53 + 1", "integer_too_large", () =>
    pack('{"w":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,9007199254740993]}}', 4),
  ),
  accept("O15", "an empty tensor where the next one begins", () =>
    pack({ b: f32(1), e: entry("F32", [0], 4, 4), c: f32(1, 4) }, 8),
  ),
  refuse("O16", "an empty tensor inside another", "overlap", () => pack({ a: f32(4), e: entry("F32", [0], 8, 8) }, 16)),
  refuse("O17", "1,000,000 empty tensors", "header_too_long", () =>
    pack(`{${numbered(1_000_000, (i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`),
  ),
  refuse("O18", "100,000 tensors over the same 160 kB", "overlap", () =>
    pack(
      `{${numbered(100_000, (i) => `"${i}":{"dtype":"F32","shape":[200,200],"data_offsets":[0,160000]}`)}}`,
      160_000,
    ),
  ),
  refuse("O19", "no tensors, 16 bytes of data", "trailing_bytes", () => pack("{}", 16)),

  refuse("D01", "dtype F128", "unknown_dtype", () => pack({ w: entry("F128", [2], 0, 32) }, 32)),
  refuse("D02", "dtype f32", "unknown_dtype", () => pack({ w: entry("f32", [2], 0, 8) }, 8)),
  refuse("D03", "dtype 1", "unknown_dtype", () => pack({ w: { ...f32(2), dtype: 1 } }, 8)),
  refuse("D04", "F32 [2] in 4 bytes", "wrong_size", () => pack({ w: entry("F32", [2], 0, 4) }, 4)),
  refuse("D05", "[2^32, 2^32] in no bytes", "too_many_elements", () =>
    pack({ w: entry("F32", [2 ** 32, 2 ** 32], 0, 0) }),
  ),
  refuse("D06", "more than 2^64 bits", "too_many_elements", () => pack({ w: entry("F64", [2 ** 52, 2 ** 10], 0, 0) })),
  refuse("D07", "too many elements, hidden by a dimension of 0", "too_many_elements", () =>
    pack({ w: entry("F32", [2 ** 32, 2 ** 32, 0], 0, 0) }),
  ),
  refuse("D08", "a negative dimension", "bad_integer", () => pack({ w: entry("F32", [-2], 0, 8) }, 8)),
  refuse("D09", "a dimension 4.0", "bad_integer", () =>
    pack('{"w":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}', 16),
  ),
  refuse("D10", "a dimension true", "bad_integer", () => pack({ w: { ...f32(1), shape: [true] } }, 4)),
  refuse("D11", "100,000 dimensions of 1", "too_many_dimensions", () =>
    pack(
      {
        w: entry(
          "F32",
          Array.from({ length: 100_000 }, () => 1),
          0,
          4,
        ),
      },
      4,
    ),
  ),
  refuse("D12", "F4 [3] in 2 bytes", "part_of_a_byte", () => pack({ w: entry("F4", [3], 0, 2) }, 2)),
  accept("D17", "F4 [4] in 2 bytes", () => pack({ w: entry("F4", [4], 0, 2) }, 2)),
  accept("D18", "F6_E2M3 [4] in 3 bytes", () => pack({ w: entry("F6_E2M3", [2, 2], 0, 3) }, 3)),
  refuse("D19", "F6_E3M2 [8] in 5 bytes", "wrong_size", () => pack({ w: entry("F6_E3M2", [8], 0, 5) }, 5)),
  accept("D20", "C64 [2] in 16 bytes", () => pack({ w: entry("C64", [2], 0, 16) }, 16)),
  accept("D13", "BOOL of 2 and 255", () => pack({ w: entry("BOOL", [2], 0, 2) }, Uint8Array.of(2, 255))),
  accept("D14", "F32 of NaN and infinities", () =>
    pack({ w: f32(3) }, new Uint8Array(Float32Array.of(Number.NaN, Infinity, -Infinity).buffer)),
  ),
  accept("D15", "F16, all NaN", () => pack({ w: entry("F16", [4], 0, 8) }, new Uint8Array(8).fill(0xff))),
  refuse("D16", "[2^53 + 1, 0]", "integer_too_large", () =>
    pack('{"w":{"dtype":"F32","shape":[9007199254740993,0],"data_offsets":[0,0]}}'),
  ),
  refuse("D17", "a dimension 04", "bad_integer", () =>
    pack('{"w":{"dtype":"F32","shape":[04],"data_offsets":[0,16]}}', 16),
  ),

  refuse("F01", "a pickle", "other_format", () => latin1("\x80\x02}q\0X\x01\0\0\0aq\x01K\x01s.")),
  refuse("F02", "a ZIP archive", "other_format", () => latin1("PK\x03\x04\x14\0\0\0\0\0archive/data.pkl")),
  refuse("F03", "a web page", "other_format", () => latin1("<!DOCTYPE html><html><title>Sign in</title></html>")),
  refuse("F04", "a program", "other_format", () => latin1("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0")),
  refuse("F05", "GGUF", "other_format", () => latin1("GGUF\x03\0\0\0\0\0\0\0\0\0\0\0")),

  refuse("F06", "a PNG", "other_format", () => latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")),
  refuse("F07", "HDF5, as Keras writes", "other_format", () => latin1("\x89HDF\r\n\x1a\n\0\0\0\0\0\b\b\0")),
  refuse("F08", "a 7z archive", "other_format", () => latin1("7z\xbc\xaf'\x1c\0\x04")),
  refuse("F09", "60 bytes of which the first is <", "header_too_long", () => latin1(`<${"\x07".repeat(59)}`)),

  accept("N01", "a tensor named ../../etc/passwd", () => pack({ "../../etc/passwd": f32(2) }, 8)),
  refuse("N02", "an empty name", "empty_name", () => pack({ "": f32(2) }, 8)),
  refuse("N03", "a name of 1 MB", "name_too_long", () => pack({ ["w".repeat(1_000_000)]: f32(2) }, 8)),
  accept("N04", "a name with a right-to-left override", () => pack({ "w\u202egnp.exe": f32(2) }, 8)),

  accept("X01", "blanks between tokens, metadata last", () =>
    pack('{ "w" :\t{ "shape" : [ 2 ] ,\r\n"data_offsets":[0, 8],"dtype": "F32" } , "__metadata__" : { } }', 8),
  ),
  accept("X02", "every escape sequence in a metadata value", () =>
    pack({ __metadata__: { note: 'a"b\\c\td\ne\rf/\u{1f5fc}' } }),
  ),
  accept("X03", "100,000 tensors of one byte", () =>
    pack(`{${numbered(100_000, (i) => `"${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`)}}`, 100_000),
  ),
  refuse("X04", "100,001 tensors of one byte", "too_many_tensors", () =>
    pack(`{${numbered(100_001, (i) => `"${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`)}}`, 100_001),
  ),
  accept("X05", "10,000 metadata keys", () => pack(`{"__metadata__":{${numbered(10_000, (i) => `"${i}":""`)}}}`)),
  accept("X06", "a name of 1,024 bytes", () => pack({ ["é".repeat(512)]: f32(2) }, 8)),
  refuse("X07", "a name of 1,026 bytes in 513 characters", "name_too_long", () =>
    pack({ ["é".repeat(513)]: f32(2) }, 8),
  ),
  accept("X08", "16 dimensions", () =>
    pack(
      {
        w: entry(
          "F32",
          Array.from({ length: 16 }, () => 1),
          0,
          4,
        ),
      },
      4,
    ),
  ),
  refuse("X09", "17 dimensions", "too_many_dimensions", () =>
    pack(
      {
        w: entry(
          "F32",
          Array.from({ length: 17 }, () => 1),
          0,
          4,
        ),
      },
      4,
    ),
  ),
  refuse("X10", "too many elements behind a dimension of 0", "too_many_elements", () =>
    pack({ w: entry("F32", [0, 2 ** 32, 2 ** 32], 0, 0) }),
  ),
  refuse("X11", "an escape character in a metadata value", "control_character", () =>
    pack({ __metadata__: { note: "\x1b[2J" } }),
  ),
  refuse("X12", "a bare line feed in a name", "control_character", () => pack(`{"w\n":${json(f32(2))}}`, 8)),
  refuse("X13", "an escape sequence that JSON does not know", "bad_syntax", () => pack(`{"\\x77":${json(f32(2))}}`, 8)),
  refuse("X14", "a string without an end", "bad_syntax", () => pack('{"w\\"')),
  refuse("X15", "a header without an end", "bad_syntax", () =>
    pack('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}', 8),
  ),
  refuse("X16", "no shape", "missing_field", () => pack({ w: { dtype: "F32", data_offsets: [0, 8] } }, 8)),
  refuse("X17", "a dimension 1_0", "bad_syntax", () =>
    pack('{"w":{"dtype":"F32","shape":[1_0],"data_offsets":[0,4]}}', 4),
  ),
  refuse("X18", "sound, but for its last byte", "truncated", () => pack({ w: f32(2) }, 7)),
  refuse("X19", "a Git LFS pointer", "other_format", () =>
    latin1("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
  ),
  refuse("X20", "a web page after an empty line", "other_format", () =>
    latin1("\r\n<html><body>Not found</body></html>"),
  ),
  refuse("X21", "a NUL for a space", "bad_syntax", () => pack('{\0"w":1}')),
  accept("X22", "an empty tensor listed after the one that begins with it", () =>
    pack({ b: f32(1), c: f32(1, 4), e: entry("F32", [0], 4, 4) }, 8),
  ),
  refuse("X23", "a bare line feed in a metadata value", "control_character", () =>
    pack('{"__metadata__":{"note":"a\nb"}}'),
  ),
];

/** A file of safetensors form: N, the header as it is given, and data (so many zero bytes, or these). */
export function pack(header: string | Uint8Array | object, data: number | Uint8Array = 0): Uint8Array {
  const text = header instanceof Uint8Array ? header : Buffer.from(typeof header === "string" ? header : json(header));
  return withLength(BigInt(text.length), text, typeof data === "number" ? new Uint8Array(data) : data);
}

export const entry = (dtype: string, shape: readonly number[], begin: number, end: number): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const f32 = (size: number, begin = 0): object => entry("F32", [size], begin, begin + 4 * size);
const json = (value: unknown): string => JSON.stringify(value);
const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const numbered = (count: number, member: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => member(i)).join(",");

function withLength(length: bigint, header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const first = Buffer.alloc(8);
  first.writeBigUInt64LE(length);
  return Buffer.concat([first, Buffer.from(header as string), data]);
}

function accept(id: string, what: string, build: () => Uint8Array): CorpusFile {
  return { id, what, defect: null, build };
}

function refuse(id: string, what: string, defect: Defect, build: () => Uint8Array): CorpusFile {
  return { id, what, defect, build };
}
