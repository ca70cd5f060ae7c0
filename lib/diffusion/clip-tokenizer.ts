import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type ClipTokenizer, type Settings, tokenizerOf, type Vocabulary } from "./tokenizer.ts";

export interface ClipTokenizerOptions {
  /**
   * The token that fills a text up: the end token for CLIP-L (SD 1.x and SDXL's first encoder), "!" (id 0) for OpenCLIP
   * (SD 2.x and SDXL's second). As in transformers, a padding token is special: "!" inside a text is then always that
   * token, and never part of a longer one such as "!!!".
   */
  readonly padding?: "<|endoftext|>" | "!";
  /** The text encoder's `max_position_embeddings`; CLIP has 77. */
  readonly maxPositions?: number;
}

/**
 * CLIP's own tokenizer (Radford et al. 2021, arXiv 2103.00020, §2.4), for files that carry none: the vocabulary is built
 * in, the settings are those that the folders of Stable Diffusion are published with.
 */
export async function clipTokenizer({
  padding = "<|endoftext|>",
  maxPositions = 77,
}: ClipTokenizerOptions = {}): Promise<ClipTokenizer> {
  return tokenizerOf("CLIP's tokenizer", await (known ??= readVocabulary()), settings(padding), maxPositions);
}

const [START, END] = ["<|startoftext|>", "<|endoftext|>"] as const;

function settings(padding: "<|endoftext|>" | "!"): Settings {
  const [start, end] = [START, END].map((content) => ({ content, normalized: true })) as [Special, Special];
  // Those folders write the padding as a bare string; such a token is found before a text is lowered, the end among them.
  const special = { start, end, unknown: end, padding: { content: padding, normalized: false } };
  return { special, added: Object.values(special), maxTokens: 77 };
}

type Special = Settings["special"]["start"];

let known: Promise<Vocabulary> | undefined;

async function readVocabulary(): Promise<Vocabulary> {
  const packed = await readFile(new URL("clip-vocabulary/merges.txt.gz", import.meta.url));
  const lines = (await promisify(gunzip)(packed)).toString("utf8").trimEnd().split("\n");
  const bytes = byteSymbols();
  const tokens = [
    ...bytes,
    ...bytes.map((symbol) => `${symbol}</w>`),
    ...lines.map((line) => line.replace(" ", "")),
    START,
    END,
  ];
  return {
    ids: new Map(tokens.map((token, id) => [token, id])),
    merges: lines.map((line) => line.split(" ")),
    added: [],
  };
}

/** How byte-level BPE writes the 256 bytes, in CLIP's order: those that Latin-1 prints first, as they are. */
function byteSymbols(): string[] {
  const printed = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printed(byte));
  return [...bytes.filter(printed), ...others.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
}
