import { starterPath } from "../starter-path.ts";

/** The styles of the starter, as units: a model, and what is applied to it. */
export const styles = {
  storybook: { model: "storybook", lora: null },
  watercolor: { model: "watercolor", lora: null },
  pixel: { model: "storybook", lora: "pixel-lora/pixel.safetensors" },
  clay: { model: "storybook", lora: "clay-lora/clay.safetensors" },
  neon: { model: "storybook", lora: "neon-lora/neon.safetensors" },
  pencil: { model: "storybook", lora: "pencil-lora/pencil.safetensors" },
} as const;

export type Style = keyof typeof styles;
export const styleNames = Object.keys(styles) as Style[];

export const unitOf = (style: Style) => {
  const { model, lora } = styles[style];
  return { model: starterPath(model), lowRank: lora === null ? [] : [{ path: starterPath(lora), strength: 1 }] };
};

export const evaluator = starterPath("evaluator/evaluator.safetensors");
export const tiny = starterPath("guide-tiny/guide.safetensors");
