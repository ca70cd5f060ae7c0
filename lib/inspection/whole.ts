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

/**
 * A network whose weights should be those that its config calls for. The functions below say in words where they are
 * not.
 */
export interface Network<Config> {
  /** How messages name it, such as "storybook/unet". */
  readonly what: string;
  readonly files: readonly WeightsFile[];
  readonly config: Config;
}

export const unetProblems = (unet: Network<UNetConfig>): string[] => problemsIn(weightsOf(unet), unetOf(unet.config));

export const textEncoderProblems = (encoder: Network<TextEncoderConfig>): string[] =>
  problemsIn(weightsOf(encoder, clipNaming), textEncoderOf(encoder.config));

export const vaeProblems = (vae: Network<VaeConfig>): string[] =>
  problemsIn(weightsOf(vae, vaeNaming), vaeOf(vae.config));

export const guideProblems = (guide: Network<GuideConfig>): string[] =>
  problemsIn(weightsOf(guide), (parameters) => guideGraph(guide.config, smallestSize(guide.config.base), parameters));

/** What is wrong with the networks of a model each by itself, and what with all of them together. */
export interface ModelProblems {
  readonly weights: readonly string[];
  readonly together: readonly string[];
}

/** Of a model whose tokenizers are known to be right: those that are built in. */
export function networkProblems(model: Model): ModelProblems {
  const { unet, textEncoders, vae } = model;
  const weights = [
    ...problemsIn(() => unet.weights, unetOf(unet.config)),
    ...textEncoders.flatMap(({ weights: own, config }) => problemsIn(() => own, textEncoderOf(config))),
    ...problemsIn(() => vae.weights, vaeOf(vae.config)),
  ];
  return { weights, together: partMismatches(model) };
}

export async function modelProblems(model: Model): Promise<ModelProblems> {
  const { weights, together } = networkProblems(model);
  const ofTokenizers: string[] = [];
  for (const { openTokenizer } of model.textEncoders) {
    try {
      await openTokenizer();
    } catch (failure) {
      ofTokenizers.push(sentenceOf(failure));
    }
  }
  return { weights, together: [...together, ...ofTokenizers] };
}

type Build = (parameters: ParametersOf) => void;

const unetOf =
  (config: UNetConfig): Build =>
  (parameters) =>
    joinedGraph(config, smallestSize(config), parameters);

const textEncoderOf =
  (config: TextEncoderConfig): Build =>
  (parameters) =>
    textEncoderGraph(config, parameters, lastStates);

const vaeOf =
  (config: VaeConfig): Build =>
  (parameters) => {
    const { height, width } = smallestSize(config);
    vaeEncoderGraph(config, height, width, parameters);
    vaeDecoderGraph(config, height, width, parameters);
  };

const weightsOf =
  <Config>({ what, files }: Network<Config>, naming?: Naming) =>
  (): WeightMap =>
    new WeightMap(what, files, naming);

/**
 * Builds the graphs and throws them away: what is missing, misshapen or left over shows. No runtime is needed, and no
 * weight is read. The weights are those of nothing else, for they remember what was taken.
 */
function problemsIn(open: () => WeightMap, build: Build): string[] {
  const problems: string[] = [];
  try {
    const weights = open();
    build(checkingParameters(weights, problems));
    weights.requireAllTaken();
  } catch (failure) {
    problems.push(sentenceOf(failure));
  }
  return problems;
}
