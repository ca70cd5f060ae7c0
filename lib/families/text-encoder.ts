import type { Shapes } from "./family.ts";

/** “CLIP ViT-L/14 of width 768, depth 12”; null for tensors that are no text encoder we know. */
export function recogniseTextEncoder(tensors: Shapes): { name: string; names: "CLIP" | "OpenCLIP" | "T5" } | null {
  const t5 = tensors.get("encoder.block.0.layer.0.SelfAttention.q.weight");
  if (t5) {
    const kind = tensors.get("shared.weight")?.shape[0] === UMT5_VOCABULARY ? "UMT5" : "T5";
    const depth = depthOf(tensors, /^encoder\.block\.(\d+)\./);
    return { name: `${kind} encoder ${ofWidth(t5.shape[1])}, depth ${depth}`, names: "T5" };
  }
  const clip = tokenTables.find((name) => tensors.has(name));
  const open = tensors.has("token_embedding.weight") && tensors.has("transformer.resblocks.0.ln_1.weight");
  if (!clip && !open) return null;
  const [vocabulary, width] = tensors.get(clip ?? "token_embedding.weight")!.shape;
  const known = vocabulary === CLIP_VOCABULARY && width !== undefined ? clips[width] : undefined;
  const depth = depthOf(tensors, /^(?:text_model\.)?encoder\.layers\.(\d+)\.|^transformer\.resblocks\.(\d+)\./);
  const vision = tensors.keys().some((name) => /^(vision_model|visual)\./.test(name)) ? ", with its vision tower" : "";
  return {
    name: `${known ?? "CLIP text encoder"} ${ofWidth(width)}, depth ${depth}${vision}`,
    names: clip ? "CLIP" : "OpenCLIP",
  };
}

/** “CLIP ViT-H/14 vision encoder”; null for others. */
export function recogniseVisionEncoder(tensors: Shapes): string | null {
  const patches =
    tensors.get("vision_model.embeddings.patch_embedding.weight") ?? tensors.get("visual.conv1.weight") ?? null;
  if (patches === null) return null;
  const width = patches.shape[0];
  return `${(width !== undefined && visions[width]) || "a vision encoder"} ${ofWidth(width)}`;
}

const tokenTables = ["text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight"];

const CLIP_VOCABULARY = 49408;
const UMT5_VOCABULARY = 256384;

/** CLIP's text encoders by their width, with CLIP's own vocabulary. */
const clips: Readonly<Record<number, string>> = {
  768: "CLIP ViT-L/14",
  1024: "OpenCLIP ViT-H/14",
  1280: "OpenCLIP ViT-bigG/14",
};

/** Their vision towers are wider than their text encoders. */
const visions: Readonly<Record<number, string>> = {
  1024: "CLIP ViT-L/14 vision encoder",
  1280: "OpenCLIP ViT-H/14 vision encoder",
  1664: "OpenCLIP ViT-bigG/14 vision encoder",
  1152: "SigLIP vision encoder",
};

export const ofWidth = (width: number | undefined): string =>
  width === undefined ? "of no width" : `of width ${width}`;

/** How many layers the names number. */
const depthOf = (tensors: Shapes, pattern: RegExp): number =>
  new Set(tensors.keys().flatMap((name) => pattern.exec(name)?.slice(1).filter(Boolean) ?? [])).size;
