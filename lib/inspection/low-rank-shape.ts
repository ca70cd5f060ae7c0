import type { ForeignNetwork } from "#lib/weights/adapters/names.ts";
import type { Tensors } from "./facts.ts";
import type { Family } from "./family.ts";
import { type LowRankPart, lowRankParts, networkNames } from "./low-rank-names.ts";
import { families, unetFamily } from "./unet-family.ts";

/** What the names and shapes of a low-rank file tell; no value is read, so that a browser can ask too. */
export interface LowRankShape {
  /** How many layers of each network it changes. */
  readonly layers: Readonly<Record<string, number>>;
  /** The ranks that occur, rising; empty where a rank is not one number, as in LoKr. */
  readonly ranks: readonly number[];
  /** How wide the text states of its base must be; null where its layers do not tell. */
  readonly textWidth: number | null;
  /** The families that names and shapes allow; several may fit, and none is said where nothing tells. */
  readonly bases: readonly Family[];
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
export const familyOfBases = (bases: readonly Family[]): Family | null =>
  bases.length === 0
    ? null
    : { name: bases.map(({ name }) => name).join(" or "), runs: bases.some(({ runs }) => runs) };

function basesOf(parts: readonly LowRankPart[]): Family[] {
  const changes = (pattern: RegExp): boolean => parts.some(({ module }) => pattern.test(module));
  const inNetwork = (wanted: ForeignNetwork): boolean => parts.some(({ network }) => network === wanted);
  if (changes(/^(double_blocks|single_blocks|single_transformer_blocks)_\d/)) return [{ name: "Flux", runs: false }];
  if (changes(/^joint_blocks_\d/)) return [{ name: "SD 3", runs: false }];
  if (inNetwork("transformer")) return [{ name: "a diffusion transformer", runs: false }];
  const unetWidth = unetTextWidth(parts);
  if (unetWidth !== null) return [ofTextWidth(unetWidth, channelsOf(parts))];
  if (inNetwork("textEncoder2")) return [ofTextWidth(widthOf("SDXL"))];
  const width = textEncoderWidth(parts);
  if (width === null) return [];
  const known = textEncoders.filter((encoder) => encoder.width === width);
  return known.length > 0 ? known.map(({ of }) => ofTextWidth(widthOf(of))) : [ofTextWidth(width)];
}

const ofTextWidth = (textWidth: number, channels?: number[]): Family =>
  unetFamily({
    channels,
    textWidths: [textWidth],
    inChannels: undefined,
    addedWidth: undefined,
    takesGuidance: false,
  });

const widthOf = (family: string): number => families.find(({ name }) => name === family)!.textWidth;

/** The first text encoder of each family by its width: SDXL has that of SD 1.x beside a second. */
const textEncoders = [
  { of: "SD 1.x", width: 768 },
  { of: "SDXL", width: 768 },
  { of: "SD 2.x", width: 1024 },
] as const;

/** A text encoder alone tells the width of the text states where its base has no other. */
function textWidthOf(parts: readonly LowRankPart[]): number | null {
  const width = unetTextWidth(parts);
  if (width !== null) return width;
  const own = textEncoderWidth(parts);
  const fits = textEncoders.filter((encoder) => encoder.width === own);
  const second = parts.some(({ network }) => network === "textEncoder2");
  return second ? widthOf("SDXL") : fits.length > 1 ? null : own;
}

/** Cross-attention's keys read the text states. */
const unetTextWidth = (parts: readonly LowRankPart[]): number | null =>
  inputsOf(parts, (part) => part.network === "unet" && /_attn2_to_[kv]$/.test(part.module));

/** The queries of a text encoder are as wide as its states. */
const textEncoderWidth = (parts: readonly LowRankPart[]): number | null =>
  inputsOf(parts, (part) => part.network === "textEncoder" && /_self_attn_[qkv]_proj$|_mlp_fc1$/.test(part.module));

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
