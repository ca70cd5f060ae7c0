import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { guideGraph } from "#lib/diffusion/guide-graph.ts";
import { type Model, partMismatches } from "#lib/diffusion/model.ts";
import type { TextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import type { UNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import type { VaeConfig } from "#lib/diffusion/vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import { checkingParameters } from "#lib/nn/parameters/checking.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { vaeNaming } from "#lib/weights/names/vae.ts";
import type { Naming } from "#lib/weights/tensor-view.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { sentenceOf } from "./sentence.ts";

/** A network whose weights should be those that its config calls for. The functions below say in words where they are not. */
export interface Network<Config> {
  /** How messages name it, such as "storybook/unet". */
  readonly what: string;
  readonly files: readonly WeightsFile[];
  readonly config: Config;
  /** Its tensors under our names; left out for files in the names of diffusers and transformers. */
  readonly weights?: WeightMap;
}

export const unetProblems = (unet: Network<UNetConfig>): string[] =>
  problemsOf(unet, undefined, (parameters) => joinedGraph(unet.config, smallestSize(unet.config), parameters));

export const textEncoderProblems = (encoder: Network<TextEncoderConfig>): string[] =>
  problemsOf(encoder, clipNaming, (parameters) => textEncoderGraph(encoder.config, parameters, lastStates));

export const vaeProblems = ({ config, ...vae }: Network<VaeConfig>): string[] =>
  problemsOf({ config, ...vae }, vaeNaming, (parameters) => {
    const { height, width } = smallestSize(config);
    vaeEncoderGraph(config, height, width, parameters);
    vaeDecoderGraph(config, height, width, parameters);
  });

export const guideProblems = (guide: Network<GuideConfig>): string[] =>
  problemsOf(guide, undefined, (parameters) => guideGraph(guide.config, smallestSize(guide.config.base), parameters));

/** What is wrong with the networks of a model each by itself, and what with all of them together. */
export async function modelProblems(model: Model): Promise<{ weights: string[]; together: string[] }> {
  const { unet, textEncoders, vae } = model;
  const weights = [
    ...unetProblems({ ...unet, what: unet.weights.what }),
    ...textEncoders.flatMap((encoder) => textEncoderProblems({ ...encoder, what: encoder.weights.what })),
    ...vaeProblems({ ...vae, what: vae.weights.what }),
  ];
  const together = partMismatches(model);
  for (const { openTokenizer } of textEncoders) {
    try {
      await openTokenizer();
    } catch (failure) {
      together.push(sentenceOf(failure));
    }
  }
  return { weights, together };
}

/** Builds the graphs and throws them away: what is missing, misshapen or left over shows. No runtime is needed, and no weight is read. */
function problemsOf<Config>(
  { what, files, weights: own }: Network<Config>,
  naming: Naming | undefined,
  build: (parameters: ParametersOf) => void,
): string[] {
  const problems: string[] = [];
  try {
    const weights = own ?? new WeightMap(what, files, naming);
    build(checkingParameters(weights, problems));
    weights.requireAllTaken();
  } catch (failure) {
    problems.push(sentenceOf(failure));
  }
  return problems;
}
