import type { SamplerMatch } from "./samplers.ts";

/**
 * What the text of another tool's picture says, as far as it is understood; the rest is named in `notes`. Whether the
 * files it names are at hand is for the caller to say. Null: nothing is said about it.
 */
export interface ForeignRecipe {
  readonly tool: "AUTOMATIC1111" | "ComfyUI" | "Guidepost";
  /** Without what asked for networks. */
  readonly prompt: string;
  readonly negativePrompt: string | null;
  /** How the tool reads a prompt: in “(a:1.2)” the words weigh more. */
  readonly promptSyntax: "plain" | "a1111";
  readonly seed: bigint | null;
  /** Whether the first noise was drawn as ours is, so that the seed means the same picture. */
  readonly isCpuNoise: boolean;
  readonly steps: number | null;
  readonly guidanceScale: number | null;
  readonly sampler: SamplerMatch | null;
  /** Pixels. */
  readonly width: number | null;
  readonly height: number | null;
  /** 1 = the text encoder's last layer, 2 = the one before; null where nothing is said, which means 1. */
  readonly clipSkip: number | null;
  /** Below 1 the picture began with another one. */
  readonly denoisingStrength: number | null;
  /** The batch it was drawn in. `seed` is that of this picture already, except where `isOneStream`. */
  readonly batch: { readonly size: number; readonly position: number | null; readonly isOneStream: boolean } | null;
  readonly model: NamedHash | null;
  readonly vae: NamedHash | null;
  readonly loras: readonly ForeignLora[];
  /** Learned words. */
  readonly embeddings: readonly NamedHash[];
  /** Ours only. */
  readonly guide: NamedHash | null;
  readonly mode: string | null;
  readonly guideStrength: number | null;
  readonly cfgSteps: number | null;
  readonly version: string | null;
  /** What could not be read or will come out different, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Hashes as they are written: 8 digits are the oldest kind, 10 begin the sha256 of the file, 12 that of its tensors.
 */
export interface NamedHash {
  readonly name: string | null;
  readonly hash: string | null;
}

export interface ForeignLora extends NamedHash {
  /** 1 = as it was trained; null where only its hash is listed. */
  readonly textEncoderStrength: number | null;
  readonly unetStrength: number | null;
}
