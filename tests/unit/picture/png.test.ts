import { crc32, deflateSync, inflateSync } from "node:zlib";
import { decode, encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { AppError } from "#lib/errors.ts";
import { readPngTextInBrowser } from "#lib/picture/browser-png-text.ts";
import { encodePng, readPngText } from "#lib/picture/png.ts";

const noText: ReadonlyMap<string, string> = new Map();

describe("pixels", () => {
  // What each filter is best at, row by row: nothing, the left, the row above, both of them, the nearest of three.
  const patterns: Readonly<Record<string, (x: number, y: number, channel: number) => number>> = {
    flat: () => 0,
    slopes: (x, y, channel) => 3 * x + y + 40 * channel,
    columns: (x, _y, channel) => noise(x, 0, channel),
    noise,
    smooth: (x, y) => 128 + 90 * Math.sin(x / 5) * Math.cos(y / 7) + (noise(x, y, 0) & 7),
    steps: (x, y) => (x > y ? 200 : 20) + (noise(x, y, 0) & 1),
  };

  test.for([
    [1, 1],
    [3, 5],
    [5, 3],
    [128, 384],
  ] as const)("of %i × %i are what fast-png reads", ([width, height]) => {
    for (const pattern of Object.values(patterns)) {
      const rgb = paint(width, height, pattern);
      const decoded = decode(encodePng({ width, height, rgb }, noText), { checkCrc: true });
      expect(decoded).toMatchObject({ width, height, depth: 8, channels: 3 });
      expect(Buffer.compare(decoded.data as Uint8Array, rgb)).toBe(0);
    }
  });

  test("use every filter there is", () => {
    const used = Object.values(patterns).flatMap((pattern) =>
      filtersOf(encodePng({ width: 128, height: 96, rgb: paint(128, 96, pattern) }, noText), 128),
    );
    expect([...new Set(used)].toSorted()).toEqual([0, 1, 2, 3, 4]);
  });

  test("that slope take less room filtered than fast-png needs without", () => {
    const [width, height] = [96, 64];
    const rgb = paint(width, height, patterns["slopes"]!);
    const theirs = encode({ width, height, data: rgb, channels: 3 }, { zlib: { level: 9 } });
    expect(encodePng({ width, height, rgb }, noText).length).toBeLessThan(theirs.length / 2);
  });

  test("that do not fill the picture are refused", () => {
    expect(() => encodePng({ width: 2, height: 2, rgb: new Uint8Array(11) }, noText)).toThrow(RangeError);
    expect(() => encodePng({ width: 0, height: 2, rgb: new Uint8Array(0) }, noText)).toThrow(RangeError);
  });
});

const dot = { width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) };

describe("text", () => {
  const text = new Map([
    ["parameters", "a café\nSteps: 1"],
    ["empty", ""],
    ["guidepost", '{"prompt":"夜の灯台 🗼"}'],
    ["tab", "\t"],
  ]);

  test("comes back as it went in", () => {
    expect(readPngText(encodePng(dot, text))).toEqual(text);
  });

  test("stands before the pixels, as tEXt where it is ASCII", () => {
    expect(chunksOf(encodePng(dot, text)).map(({ type }) => type)).toEqual([
      "IHDR",
      "iTXt",
      "tEXt",
      "iTXt",
      "iTXt",
      "IDAT",
      "IEND",
    ]);
  });

  test("in ASCII is what fast-png reads, and in Latin-1 reads as fast-png writes it", () => {
    const ascii = { Title: "a cafe", Comment: "two\nlines" };
    expect(decode(encodePng(dot, new Map(Object.entries(ascii)))).text).toEqual(ascii);
    const latin = { ...ascii, Title: "a café" };
    const theirs = encode({ width: 1, height: 1, data: dot.rgb, channels: 3, text: latin });
    expect(readPngText(theirs)).toEqual(new Map(Object.entries(latin)));
  });

  test("that is compressed is read, in a browser too", async () => {
    const png = withChunks(
      ["zTXt", Buffer.concat([Buffer.from("one\0\0"), deflateSync(Buffer.from("café", "latin1"))])],
      ["iTXt", Buffer.concat([Buffer.from("two\0\x01\0en\0zwei\0"), deflateSync(Buffer.from("夜"))])],
    );
    expect(readPngText(png)).toEqual(
      new Map([
        ["one", "café"],
        ["two", "夜"],
      ]),
    );
    expect(await readPngTextInBrowser(png)).toEqual(readPngText(png));
  });

  test("that is UTF-8 where the standard says Latin-1 is read as what it is, compressed or not", async () => {
    const png = withChunks(
      ["tEXt", Buffer.from("utf8\0夜の灯台 café 🗼")],
      ["tEXt", Buffer.from("latin1\0café ÿ", "latin1")],
      ["zTXt", Buffer.concat([Buffer.from("packed\0\0"), deflateSync(Buffer.from("夜"))])],
    );
    const expected = new Map([
      ["utf8", "夜の灯台 café 🗼"],
      ["latin1", "café ÿ"],
      ["packed", "夜"],
    ]);
    expect(readPngText(png)).toEqual(expected);
    expect(await readPngTextInBrowser(png)).toEqual(expected);
  });

  test("of ours comes back even where its Latin-1 would be UTF-8", () => {
    const text = new Map([["parameters", "Ã© is not é"]]);
    expect(readPngText(encodePng(dot, text))).toEqual(text);
  });

  test("under a key that no reader would take is refused", () => {
    for (const key of ["", " a", "a ", "a\0b", "a\nb", "夜", "k".repeat(80)])
      expect(() => encodePng(dot, new Map([[key, "x"]]))).toThrow(RangeError);
  });
});

describe("a broken file is refused", () => {
  const whole = encodePng(
    dot,
    new Map([
      ["key", "value"],
      ["other", "夜"],
    ]),
  );

  test("wherever it ends too early", () => {
    for (let end = 0; end < whole.length; end++) expect(refusal(whole.subarray(0, end)).code).toBe("bad_request");
  });

  test("whichever of its bytes is another", () => {
    for (let index = 0; index < whole.length; index++) {
      const changed = Uint8Array.from(whole);
      changed[index]! ^= 0x41;
      expect(refusal(changed).code).toBe("bad_request");
    }
  });

  const many = Array.from({ length: 70_000 }, (): [string, Buffer] => ["prVt", Buffer.alloc(0)]);
  const halfMegabytes = Array.from({ length: 3 }, (_, index): [string, Buffer] => [
    "tEXt",
    Buffer.concat([Buffer.from(`k${index}\0`), Buffer.alloc(2 ** 19 - 3, "x")]),
  ]);
  const bomb = deflateSync(Buffer.alloc(64 * 2 ** 20)).subarray(0, -1); // who inflates all of it stumbles over its end

  test.for<[why: string, bytes: Uint8Array, says: RegExp]>([
    ["another format", Buffer.from("GIF89a, and some more bytes"), /not a PNG/],
    [
      "a length of 4 GB",
      Buffer.concat([whole.subarray(0, 8), Buffer.from("ffffffff", "hex"), whole.subarray(12)]),
      /more bytes than/,
    ],
    ["no header", fromChunks(["tEXt", Buffer.from("a\0b")]), /one header/],
    ["two headers", withChunks(["IHDR", Buffer.alloc(13)]), /one header/],
    ["a chunk without a name", withChunks(["a b!", Buffer.alloc(0)]), /without a name/],
    ["bytes behind the end", Buffer.concat([whole, Buffer.from("PK")]), /behind its end/],
    ["70,000 chunks", withChunks(...many), /65536 chunks/],
    ["a key without an end", withChunks(["tEXt", Buffer.from("key")]), /breaks off/],
    ["no key", withChunks(["tEXt", Buffer.from("\0value")]), /0 characters/],
    ["a long key", withChunks(["tEXt", Buffer.from(`${"k".repeat(80)}\0`)]), /80 characters/],
    ["an unknown compression", withChunks(["zTXt", Buffer.from("key\0\x01abc")]), /unknown way/],
    ["an unknown flag", withChunks(["iTXt", Buffer.from("key\0\x02\0\0\0abc")]), /unknown way/],
    ["a language without an end", withChunks(["iTXt", Buffer.from("key\0\0\0en")]), /breaks off/],
    ["bytes that are not UTF-8", withChunks(["iTXt", Buffer.from("key\0\0\0\0\0\xff", "latin1")]), /not UTF-8/],
    [
      "half a compressed text",
      withChunks(["zTXt", Buffer.concat([Buffer.from("key\0\0"), deflateSync("value").subarray(0, 6)])]),
      /cannot be read/,
    ],
    ["64 MiB in 64 kB of zTXt", withChunks(["zTXt", Buffer.concat([Buffer.from("key\0\0"), bomb])]), /1 MiB of text/],
    [
      "64 MiB in 64 kB of iTXt",
      withChunks(["iTXt", Buffer.concat([Buffer.from("key\0\x01\0\0\0"), bomb])]),
      /1 MiB of text/,
    ],
    [
      "2 MiB of zTXt",
      withChunks(["zTXt", Buffer.concat([Buffer.from("key\0\0"), Buffer.alloc(2 ** 21)])]),
      /1 MiB of text/,
    ],
    ["1.5 MiB in three texts", withChunks(...halfMegabytes), /1 MiB of text/],
  ])("for %s", async ([, bytes, says]) => {
    expect(refusal(bytes).code).toBe("bad_request");
    expect(refusal(bytes).message).toMatch(says);
    await expect(readPngTextInBrowser(bytes)).rejects.toThrow(says);
  });
});

function paint(width: number, height: number, value: (x: number, y: number, channel: number) => number): Uint8Array {
  return Uint8Array.from({ length: 3 * width * height }, (_, index) => {
    const pixel = Math.floor(index / 3);
    return value(pixel % width, Math.floor(pixel / width), index % 3);
  });
}

function noise(x: number, y: number, channel: number): number {
  let hash = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b) ^ Math.imul(channel + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 24;
}

function filtersOf(png: Uint8Array, width: number): number[] {
  const rows = inflateSync(
    chunksOf(png)
      .find(({ type }) => type === "IDAT")!
      .bytes.subarray(8, -4),
  );
  return Array.from({ length: rows.length / (3 * width + 1) }, (_, y) => rows[y * (3 * width + 1)]!);
}

function refusal(bytes: Uint8Array): AppError {
  try {
    readPngText(bytes);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("was read");
}

function chunksOf(png: Uint8Array): { type: string; bytes: Buffer }[] {
  const file = Buffer.from(png);
  const chunks = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    chunks.push({
      type: file.toString("latin1", at + 4, at + 8),
      bytes: file.subarray(at, at + 12 + file.readUInt32BE(at)),
    });
  }
  return chunks;
}

function toChunk([type, data]: [string, Buffer]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function fromChunks(...chunks: [string, Buffer][]): Buffer {
  return Buffer.concat([encodePng(dot, noText).subarray(0, 8), ...chunks.map(toChunk)]);
}

/** The dot, with more chunks behind its header. */
function withChunks(...chunks: [string, Buffer][]): Buffer {
  const [header, ...rest] = chunksOf(encodePng(dot, noText)).map(({ bytes }) => bytes);
  return Buffer.concat([encodePng(dot, noText).subarray(0, 8), header!, ...chunks.map(toChunk), ...rest]);
}
