import { familiesOfTextEncoder } from "#lib/families/all.ts";
import { familyNamed } from "#lib/families/claims.ts";
import type { UNetFamily } from "#lib/families/family.ts";
import { type FoundFamily, foundNotToRun, foundToRun } from "#lib/families/found-family.ts";
import { recogniseUNet } from "#lib/families/recognise-unet.ts";
import { shapeOfLayers } from "#lib/families/unet-shape.ts";
import type { ForeignNetwork } from "#lib/weights/adapters/names.ts";
import type { Tensors } from "./facts.ts";
import { type LowRankPart, lowRankParts, networkNames } from "./low-rank-names.ts";

/** What the names and shapes of a low-rank file tell; no value is read, so that a browser can ask too. */
export interface LowRankShape {
  /** How many layers of each network it changes. */
  readonly layers: Readonly<Record<string, number>>;
  /** The ranks that occur, rising; empty where a rank is not one number, as in LoKr. */
  readonly ranks: readonly number[];
  /** How wide the text states of its base must be; null where its layers do not tell. */
  readonly textWidth: number | null;
  /** The families that names and shapes allow; several may fit, and none is said where nothing tells. */
  readonly bases: readonly FoundFamily[];
}

export function lowRankShape(tensors: Tensors): LowRankShape {
  const parts = lowRankParts(tensors);
  const modules = Map.groupBy(parts, ({ network }) => networkNames[network]);
  return {
    layers: Object.fromEntries(
      [...modules].map(([network, own]) => [network, new Set(own.map(({ module }) => module)).size]),
    ),
    ranks: rising(parts.flatMap((part) => (isDown(part) && part.entry.shape[0] ? [part.entry.shape[0]] : []))),
    textWidth: textWidthOf(parts),
    bases: basesOf(parts),
  };
}

export const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);

/** All that fit in one name; it runs where one of them does. */
export function familyOfBases(bases: readonly FoundFamily[]): FoundFamily | null {
  const [first, ...others] = bases;
  if (!first || others.length === 0) return first ?? null;
  const name = bases.map((base) => base.name).join(" or ");
  return bases.some(({ runs }) => runs) ? foundToRun(name, null) : foundNotToRun(name, null, "neither of them does");
}

function basesOf(parts: readonly LowRankPart[]): FoundFamily[] {
  const changes = (pattern: RegExp): boolean => parts.some(({ module }) => pattern.test(module));
  const stranger = (name: string): FoundFamily[] => [
    { name, id: familyNamed(name)?.id ?? null, runs: false, whyNot: null },
  ];
  if (changes(/^(double_blocks|single_blocks|single_transformer_blocks)_\d/)) return stranger("Flux");
  if (changes(/^joint_blocks_\d/)) return stranger("SD 3");
  if (parts.some(({ network }) => network === "transformer")) return stranger("a diffusion transformer");
  const width = unetTextWidth(parts);
  return width === null ? basesOfTextEncoders(parts) : [recogniseUNet(shapeOfLayers(width, channelsOf(parts)))];
}

/** Several bases may have the same text encoder: SDXL has that of SD 1.x beside a second. */
function basesOfTextEncoders(parts: readonly LowRankPart[]): FoundFamily[] {
  const fitting = familiesOfTextEncoders(parts);
  if (fitting.length > 0) return fitting.map(({ name, id }) => foundToRun(name, id));
  const width = textEncoderWidth(parts, "textEncoder");
  return width === null ? [] : [recogniseUNet(shapeOfLayers(width, undefined))];
}

function familiesOfTextEncoders(parts: readonly LowRankPart[]): UNetFamily[] {
  const folders = [
    ["textEncoder", "text_encoder"],
    ["textEncoder2", "text_encoder_2"],
  ] as const;
  let fitting: UNetFamily[] | null = null;
  for (const [network, folder] of folders) {
    const width = textEncoderWidth(parts, network);
    if (width === null) continue;
    const own = familiesOfTextEncoder(width).filter(({ textEncoders }) =>
      textEncoders.some((encoder) => encoder.folder === folder && encoder.width === width),
    );
    fitting = fitting ? fitting.filter((family) => own.includes(family)) : own;
  }
  return fitting ?? [];
}

/** Text encoders alone tell the width of the text states where one family has them. */
function textWidthOf(parts: readonly LowRankPart[]): number | null {
  const width = unetTextWidth(parts);
  if (width !== null) return width;
  const fitting = familiesOfTextEncoders(parts);
  if (fitting.length > 1) return null;
  return fitting[0]?.unet.textWidth ?? textEncoderWidth(parts, "textEncoder");
}

/** Cross-attention's keys read the text states. */
const unetTextWidth = (parts: readonly LowRankPart[]): number | null =>
  inputsOf(parts, (part) => part.network === "unet" && /_attn2_to_[kv]$/.test(part.module));

/** The queries of a text encoder are as wide as its states. */
const textEncoderWidth = (parts: readonly LowRankPart[], network: ForeignNetwork): number | null =>
  inputsOf(parts, (part) => part.network === network && /_self_attn_[qkv]_proj$|_mlp_fc1$/.test(part.module));

const inputsOf = (parts: readonly LowRankPart[], isAsked: (part: LowRankPart) => boolean): number | null =>
  parts.find((part) => (isDown(part) || part.part === "difference") && isAsked(part))?.entry.shape[1] ?? null;

/** The half with as many rows as the rank; LoHa has two pairs, alike. */
const isDown = ({ part, algorithm, entry }: LowRankPart): boolean =>
  part === "down" || (algorithm === "LoHa" && entry.name.endsWith("hada_w1_b"));

/** Channels of each level, where the first convolution of every level is changed. */
function channelsOf(parts: readonly LowRankPart[]): number[] | undefined {
  const channels: number[] = [];
  for (const { part, module, entry } of parts) {
    const level = /^down_blocks_(\d)_resnets_0_conv1$/.exec(module)?.[1];
    if ((part === "up" || part === "difference") && level !== undefined) channels[Number(level)] = entry.shape[0]!;
  }
  return channels.length > 0 && Object.keys(channels).length === channels.length ? channels : undefined;
}
