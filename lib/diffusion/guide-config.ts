import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import type { UNetSignature } from "#lib/pairing/signature.ts";
import { jsonString } from "#lib/util/json-string.ts";

/** What a guide file says of itself: `__metadata__` of `format=guide/1`. */
export interface GuideConfig {
  readonly variant: string;
  /** Channels of each level, finest first. */
  readonly widths: readonly number[];
  /** What the guide was distilled against. */
  readonly base: UNetSignature & { readonly sha256: string };
  /** The range of guidance the guide was trained on; `referenceGuidance` is where its gate is 1. */
  readonly minGuidance: number;
  readonly maxGuidance: number;
  readonly referenceGuidance: number;
  readonly trainedOn: Readonly<Record<string, string>>;
}

const size = z.int().min(1).max(65_536);
const levels = z.array(size).min(1).max(8);

const metadataSchema = z.object({
  format: z.literal("guide/1"),
  variant: z.string().min(1).max(64),
  widths: jsonString(levels),
  "base.sha256": z.string().regex(/^[0-9a-f]{64}$/, "is not a sha256 in lower-case hex"),
  in_channels: jsonString(size),
  block_out_channels: jsonString(levels),
  layers_per_block: jsonString(z.union([size, levels])),
  down_block_types: jsonString(z.array(z.enum(["DownBlock2D", "CrossAttnDownBlock2D"]))),
  cross_attention_dim: jsonString(size),
  prediction_type: z.enum(["epsilon", "v_prediction"]),
  w_min: z.coerce.number().min(1),
  w_max: z.coerce.number().max(100),
  w_ref: z.coerce.number(),
  gate: z.literal("linear"),
  w_encoding: z.literal("sin"),
  stage: z.literal("cfg"),
});

/** `file` is named in messages. Anything missing or strange is refused by its key. */
export function parseGuideConfig(metadata: ReadonlyMap<string, string>, file: string): GuideConfig {
  const result = metadataSchema.safeParse(Object.fromEntries(metadata));
  if (!result.success) {
    const [issue] = result.error.issues as [z.core.$ZodIssue];
    const key = String(issue.path[0]); // what follows it are places within a list
    const said = metadata.has(key)
      ? `is ${JSON.stringify(metadata.get(key)!.slice(0, 60))} in its metadata (${issue.message})`
      : "is missing in its metadata";
    throw new AppError(
      "unsupported_model",
      `${file} is not a guide we can run: "${key}" ${said}; write it as docs/guide-file.md says.`,
      { key },
    );
  }
  const raw = result.data;
  const count = raw.block_out_channels.length;
  const layers = Array.isArray(raw.layers_per_block)
    ? raw.layers_per_block
    : Array<number>(count).fill(raw.layers_per_block);
  if ([raw.widths, layers, raw.down_block_types].some((list) => list.length !== count)) {
    throw new AppError(
      "unsupported_model",
      `${file}: "widths", "layers_per_block" and "down_block_types" must have one entry for each of the ${count} levels in "block_out_channels"; write the metadata again.`,
    );
  }
  if (!(raw.w_min < raw.w_max && raw.w_ref > 1)) {
    throw new AppError(
      "unsupported_model",
      `${file}: its guidance range ${raw.w_min} to ${raw.w_max} with reference ${raw.w_ref} makes no sense; w_min < w_max and w_ref > 1 are needed.`,
    );
  }
  return {
    variant: raw.variant,
    widths: raw.widths,
    base: {
      sha256: raw["base.sha256"],
      inChannels: raw.in_channels,
      channels: raw.block_out_channels,
      layersPerBlock: layers,
      downAttends: raw.down_block_types.map((type) => type === "CrossAttnDownBlock2D"),
      crossAttentionDim: raw.cross_attention_dim,
      predictionType: raw.prediction_type,
    },
    minGuidance: raw.w_min,
    maxGuidance: raw.w_max,
    referenceGuidance: raw.w_ref,
    trainedOn: Object.fromEntries([...metadata].filter(([key]) => key.startsWith("train."))),
  };
}
