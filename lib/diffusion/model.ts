import { type AdaptedNetwork, textEncoderNetworks } from "#lib/weights/adapters/names.ts";
import type { WeightMap, WeightsFile } from "#lib/weights/weight-map.ts";
import type { Schedule } from "./schedule.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";
import type { StatesWanted } from "./text-encoder-graph.ts";
import type { ClipTokenizer } from "./tokenizer.ts";
import type { UNetConfig } from "./unet-config.ts";
import type { VaeConfig } from "./vae-config.ts";

/** One network of a model: what it computes, and the tensors it computes with. */
export interface Component<Config> {
  readonly config: Config;
  readonly weights: WeightMap;
  readonly files: readonly WeightsFile[];
}

export interface TextEncoderComponent extends Component<TextEncoderConfig> {
  openTokenizer(): Promise<ClipTokenizer>;
}

/** A text-to-image model in whichever layout, with every header and config read and no weight touched. */
export interface Model {
  readonly path: string;
  readonly name: string;
  readonly unet: Component<UNetConfig>;
  /** In the order in which their states are joined. */
  readonly textEncoders: readonly [TextEncoderComponent, ...TextEncoderComponent[]];
  readonly vae: Component<VaeConfig>;
  readonly schedule: Schedule;
  /** Whether no text at all is zeros and not the states of the empty text (`force_zeros_for_empty_prompt`). */
  readonly zerosForNothing: boolean;
  /** The files beside the weights that decide what is computed. */
  readonly settings: readonly SettingsFile[];
}

export interface SettingsFile {
  readonly role: "config" | "schedule" | "tokenizer";
  readonly name: string;
  readonly path: string;
}

/**
 * SDXL was trained on the penultimate states of both encoders without the final norm (Podell et al. 2023, arXiv 2307.01952,
 * §2.1); Stable Diffusion on the last ones with it. SD 2.x, which takes the penultimate ones with it, writes one layer less into its
 * config. Clip skip leaves out as many layers more.
 */
export const statesWanted = ({ unet }: Pick<Model, "unet">, clipSkip = 0): StatesWanted =>
  unet.config.added ? { skipLayers: 1, finalNorm: false, clipSkip } : { skipLayers: 0, finalNorm: true, clipSkip };

/** The networks of a model that adapters can change. */
export const networksOf = ({ textEncoders }: Pick<Model, "textEncoders">): AdaptedNetwork[] => [
  "unet",
  ...textEncoderNetworks.slice(0, textEncoders.length),
];

/** What keeps the networks of a model from working together, in words. */
export function partMismatches({ name, unet, textEncoders, vae }: Model): string[] {
  const mismatches: string[] = [];
  const { crossAttentionDim, added, inChannels, outChannels } = unet.config;
  const width = textEncoders.reduce((sum, { config }) => sum + config.width, 0);
  if (crossAttentionDim !== width) {
    const given = `its UNet reads text states of width ${crossAttentionDim}, and its text encoder gives ${width}`;
    mismatches.push(`${name}: ${given}; use the parts of one model.`);
  }
  const pooled = textEncoders.at(-1)!.config.projection;
  if (added && added.pooledWidth !== pooled) {
    const given = pooled === null ? "its text encoder does not pool" : `its text encoder pools to ${pooled}`;
    mismatches.push(
      `${name}: its UNet reads a pooled text of width ${added.pooledWidth}, and ${given}; use the parts of one model.`,
    );
  }
  const { latentChannels } = vae.config;
  const both = [
    ["reads", inChannels],
    ["predicts", outChannels],
  ] as const;
  for (const [does, channels] of both) {
    if (channels === latentChannels) continue;
    const found = `its UNet ${does} ${channels} channels, and its VAE has ${latentChannels} latent channels`;
    mismatches.push(`${name}: ${found}; such models do not run here.`);
  }
  return mismatches;
}
