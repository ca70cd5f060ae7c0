import type { PromptSyntax } from "#lib/prompt/read-prompt.ts";
import type { Model } from "./model.ts";

/** How many layers of the text encoders are left out beyond the usual, and of which prompts. */
export interface ClipSkip {
  readonly layers: number;
  readonly of: "the prompt" | "both prompts";
}

export const noClipSkip: ClipSkip = { layers: 0, of: "both prompts" };

interface Asked {
  readonly clipSkip: number;
  readonly promptSyntax: PromptSyntax;
}

/**
 * Clip skip means two things in the field, and each syntax of prompts has the one that it is used with.
 *
 * `plain`, as `encode_prompt` of diffusers 0.42.1: the negative prompt keeps its last layer; on SDXL, whose encoders are read one
 * layer before the last anyhow, as many layers more are left out.
 *
 * `a1111`, as AUTOMATIC1111's web UI 1.10.1 and ComfyUI: both prompts alike; SDXL's usual state is already the one of “clip skip 2”,
 * so that 1 and 2 change nothing there.
 */
export function clipSkipOf({ unet }: Pick<Model, "unet">, { clipSkip, promptSyntax }: Asked): ClipSkip {
  if (promptSyntax === "plain") return { layers: clipSkip, of: "the prompt" };
  return { layers: unet.config.added ? Math.max(0, clipSkip - 1) : clipSkip, of: "both prompts" };
}
