import { recogniseUNet } from "#lib/families/recognise-unet.ts";
import { shapeOfLayers } from "#lib/families/unet-shape.ts";
import type { Tensors } from "./facts.ts";
import type { Family } from "./family.ts";
import { type LowRankPart, lowRankParts, networkOf } from "./low-rank-names.ts";

/** What the names and shapes of a low-rank file tell; no value is read, so that a browser can ask too. */
export interface LowRankShape {
  /** How many layers of each network it changes. */
  readonly layers: Readonly<Record<string, number>>;
  /** The ranks that occur, rising; empty where a rank is not one number, as in LoKr. */
  readonly ranks: readonly number[];
  /** How wide the text states of its base must be; null where its layers do not tell. */
  readonly textWidth: number | null;
  /** The family of its base, as far as names and shapes tell. */
  readonly base: Family | null;
}

export function lowRankShape(tensors: Tensors): LowRankShape {
  const parts = lowRankParts(tensors);
  const modules = Map.groupBy(new Set(parts.map(({ module }) => module)), networkOf);
  return {
    layers: Object.fromEntries([...modules].map(([network, { length }]) => [network, length])),
    ranks: rising(parts.flatMap(({ part, entry }) => (part === "down" && entry.shape[0] ? [entry.shape[0]] : []))),
    textWidth: textWidthOf(parts),
    base: baseOf(parts),
  };
}

export const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);

function baseOf(parts: readonly LowRankPart[]): Family | null {
  const changes = (pattern: RegExp): boolean => parts.some(({ module }) => pattern.test(module));
  if (changes(/[._](double_blocks|single_blocks|single_transformer_blocks)[._]\d/))
    return { name: "Flux", runs: false };
  if (changes(/[._]joint_blocks[._]\d/)) return { name: "SD 3", runs: false };
  if (changes(/^(lora_te2_|text_encoder_2\.)/)) return { name: "SDXL", runs: false };
  const textWidth = textWidthOf(parts);
  if (textWidth === null) return null;
  return recogniseUNet(shapeOfLayers(textWidth, channelsOf(parts)));
}

/** Cross-attention's keys read the text states; the queries of their encoder are as wide. */
function textWidthOf(parts: readonly LowRankPart[]): number | null {
  const widthOf = (pattern: RegExp): number | undefined =>
    parts.find(({ part, module }) => part === "down" && pattern.test(module))?.entry.shape[1];
  return (
    widthOf(/[._]attn2[._](processor\.)?to_k$/) ??
    widthOf(/^(lora_te_|text_encoder\.).*self_attn[._](q_proj|to_q)$/) ??
    null
  );
}

/** Channels of each level, where the first convolution of every level is changed. */
function channelsOf(parts: readonly LowRankPart[]): number[] | undefined {
  const channels: number[] = [];
  for (const { part, module, entry } of parts) {
    const level = /down_blocks[._](\d)[._]resnets[._]0[._]conv1$/.exec(module)?.[1];
    if (part === "up" && level !== undefined) channels[Number(level)] = entry.shape[0]!;
  }
  return channels.length > 0 && Object.keys(channels).length === channels.length ? channels : undefined;
}
