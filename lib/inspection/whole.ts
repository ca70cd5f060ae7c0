import { clipTextEncoder } from "#lib/diffusion/clip.ts";
import type { TextEncoderConfig, UNetConfig, VaeConfig } from "#lib/diffusion/config.ts";
import { guideNetwork } from "#lib/diffusion/guide.ts";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { type ModelFolder, partMismatches } from "#lib/diffusion/model-folder.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { residualShapes, unetDecoder, unetEncoder } from "#lib/diffusion/unet.ts";
import { vaeDecoder, vaeEncoder } from "#lib/diffusion/vae.ts";
import { AppError } from "#lib/errors.ts";
import { Scope } from "#lib/nn/scope.ts";
import { type ExternalTensor, Graph } from "#lib/onnx/graph.ts";
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
}

export const unetProblems = (unet: Network<UNetConfig>): string[] =>
  problemsOf(unet, undefined, (scope, graph) => wholeUNet(scope, graph, unet.config));

export const textEncoderProblems = (encoder: Network<TextEncoderConfig>): string[] =>
  problemsOf(encoder, clipNaming, (scope, graph) => wholeTextEncoder(scope, graph, encoder.config));

/** Every node of a UNet, at the smallest size that halves evenly at every level. */
export function wholeUNet(scope: Scope, graph: Graph, config: UNetConfig): void {
  const side = 2 ** config.channels.length;
  const text = graph.input("text", ["batch", 1, config.crossAttentionDim]);
  const encoded = unetEncoder(
    scope,
    config,
    graph.input("latents", ["batch", config.inChannels, side, side]),
    graph.input("timestep", ["batch"]),
    text,
  );
  const shapes = residualShapes(config, side, side);
  const residual = (shape: readonly number[], k: number | "mid") => graph.input(`residual.${k}`, ["batch", ...shape]);
  unetDecoder(scope, config, encoded, { skips: shapes.skips.map(residual), mid: residual(shapes.mid, "mid") }, text);
}

export function wholeTextEncoder(scope: Scope, graph: Graph, config: TextEncoderConfig): void {
  clipTextEncoder(scope, config, graph.input("tokens", ["batch", config.maxTokens], "int32"));
}

export const vaeProblems = (vae: Network<VaeConfig>): string[] =>
  problemsOf(vae, vaeNaming, (scope, graph) => {
    const { config } = vae;
    const side = 2 ** config.channels.length;
    vaeEncoder(scope, config, graph.input("picture", ["batch", config.imageChannels, side, side]));
    vaeDecoder(scope, config, graph.input("latents", ["batch", config.latentChannels, side, side]));
  });

export const guideProblems = (guide: Network<GuideConfig>): string[] =>
  problemsOf(guide, undefined, (scope, graph) => {
    const { base, widths } = guide.config;
    const side = 2 ** widths.length;
    const latents = graph.input("latents", ["batch", base.inChannels, side, side]);
    const text = graph.input("text", ["batch", 1, base.crossAttentionDim]);
    guideNetwork(
      scope,
      guide.config,
      latents,
      graph.input("timestep", ["batch"]),
      text,
      graph.input("guidanceScale", ["batch"]),
    );
  });

/** What is wrong with the networks of a folder each by itself, and what with all of them together. */
export async function folderProblems(folder: ModelFolder): Promise<{ weights: string[]; together: string[] }> {
  const { unet, textEncoder, vae } = folder;
  const weights = [
    ...unetProblems({ ...unet, what: unet.weights.what }),
    ...textEncoderProblems({ ...textEncoder, what: textEncoder.weights.what }),
    ...vaeProblems({ ...vae, what: vae.weights.what }),
  ];
  const together = partMismatches(folder);
  try {
    await openTokenizer(folder.tokenizerFolder, textEncoder.config.maxTokens);
  } catch (failure) {
    together.push(sentenceOf(failure));
  }
  return { weights, together };
}

/** Builds the graph and throws it away: a WeightMap tells what is missing, misshapen or left over. No runtime is needed, and no weight is read. */
function problemsOf<Config>(
  { what, files }: Network<Config>,
  naming: Naming | undefined,
  build: (scope: Scope, graph: Graph) => void,
): string[] {
  const graph = new Graph(what);
  const problems: string[] = [];
  try {
    const weights = new ForgivingWeights(problems, what, files, naming);
    build(new Scope(graph, weights), graph);
    weights.requireAllTaken();
  } catch (failure) {
    problems.push(sentenceOf(failure));
  }
  return problems;
}

/** A config may ask for any number of tensors that are not there. */
const MAX_PROBLEMS = 20;

/** Notes what is wrong with a tensor and goes on as if it were right, so that one look finds more than the first fault. */
class ForgivingWeights extends WeightMap {
  readonly #problems: string[];

  constructor(problems: string[], what: string, files: readonly WeightsFile[], naming?: Naming) {
    super(what, files, naming);
    this.#problems = problems;
  }

  override take(name: string, shape: readonly number[]): ExternalTensor {
    try {
      return super.take(name, shape);
    } catch (failure) {
      const goOn =
        failure instanceof AppError && failure.code === "weights_mismatch" && this.#problems.length < MAX_PROBLEMS - 1;
      if (!goOn) throw failure;
      this.#problems.push(failure.message);
    }
    const actual = this.find(name);
    if (actual) super.take(name, actual.shape); // so that it does not count as left over too
    const place = this.#problems.length; // tensors at one place would be taken for one
    return { path: "", name, dtype: "F32", shape, begin: place, end: place };
  }
}
