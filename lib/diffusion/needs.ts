import { AppError } from "#lib/errors.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { volumeOf } from "#lib/onnx/macs.ts";
import { type GraphMemory, memoryOf } from "#lib/onnx/memory.ts";
import { optimizationFor } from "#lib/onnx/optimization.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import { type CfgLayout, cfgLayoutFor } from "./cfg-layout.ts";
import type { GuidanceMode } from "./guidance.ts";
import type { GuideFile } from "./guide-network.ts";
import { guideGraph } from "./guide-graph.ts";
import { type Model, statesWanted } from "./model.ts";
import type { ModelFiles } from "./model-files.ts";
import { type LatentSize, ownSize, pictureSizeOf } from "./picture-size.ts";
import type { PictureSize } from "./text-conditioner.ts";
import { textEncoderGraph } from "./text-encoder-graph.ts";
import { decoderGraph, encoderGraph, joinedGraph } from "./unet-graphs.ts";
import { pixelsPerLatent } from "./vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae-graphs.ts";
import { type VaeSize, vaeSize } from "./vae-size.ts";
import { type Tiling, tilingOf } from "./vae-tiles.ts";

/** Pictures to draw: what decides, beside the model, how much memory that takes. */
export interface DrawingNeed {
  /** Of the latents. */
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  readonly mode: GuidanceMode;
  readonly cfgLayout: CfgLayout;
  /** Whether coarse pictures are shown on the way, for which the VAE's encoder is opened once. */
  readonly coarsePictures: boolean;
  /** Whether it begins at a picture, for which the encoder is opened too. */
  readonly fromPicture: boolean;
}

/** A pair to measure. */
export interface MeasuringNeed {
  readonly height: number;
  readonly width: number;
  /** Pictures drawn side by side, and prompts encoded at once. */
  readonly rows: number;
  readonly prompts: number;
  readonly cfgLayout: CfgLayout;
  /** Of the evaluator's networks, where they are not small. */
  readonly evaluator: readonly GraphMemory[];
  /** Whether the evaluator looks at decoded pictures. */
  readonly decodes: boolean;
}

/** One network of a model, and what it takes once it has run, in bytes. */
export interface StageNeed {
  readonly stage: string;
  readonly bytes: number;
}

/** What a model takes of memory, worked out from configs and headers before anything is opened. All in bytes. */
export interface MemoryNeed {
  readonly stages: readonly StageNeed[];
  /** The most that the process holds at any moment, itself included. */
  readonly peak: number;
  /** When that is, in words: what is opened or runs then. */
  readonly at: string;
}

/** What is needed at one size, or for so many pictures. */
export interface NeedAt extends StageNeed {
  readonly at: number;
  /** The most at any moment; `bytes` of it are for the stage that takes most. */
  readonly peak: number;
}

/** What a model takes, at some sizes and for some numbers of pictures: between two of them it is less than in a straight line. */
export interface ModelNeeds {
  /** Of one picture in every mode, without a guide; by its pixels. */
  readonly drawing: readonly NeedAt[];
  /** What is taken more where low-rank files are merged into it. */
  readonly merging: number;
  /** Without a guide, by the number of pictures. */
  readonly measuring: readonly NeedAt[];
  /** How many pixels are drawn side by side where it is measured. */
  readonly measuringPixels: number;
}

/** Node and the runtime before any network is open: 130 MB on Linux. */
export const PROCESS_BYTES = 150e6;

/** What drawing one picture at the model's own size takes, as a hub or a person asks first of all. */
export function ownNeed(files: ModelFiles): MemoryNeed & { readonly size: PictureSize } {
  const { model } = files;
  const cfgLayout = cfgLayoutFor(model.unet.weights.parameters);
  const asked = {
    ...ownSize(model),
    batch: 1,
    mode: "cfg",
    cfgLayout,
    coarsePictures: false,
    fromPicture: false,
  } as const;
  return { ...drawingNeed(files, asked), size: pictureSizeOf(model, asked) };
}

/** Of a model's files what decides. */
type NeedFiles = Pick<ModelFiles, "model" | "guide"> & { readonly lowRank: { readonly length: number } };

/** Drawing, in the order in which `openModel` opens and the loop runs. */
export function drawingNeed(files: NeedFiles, asked: DrawingNeed): MemoryNeed {
  const { model, guide } = files;
  const { height, width, batch, mode, cfgLayout } = asked;
  const size = { tokens: model.textEncoders[0].config.maxTokens, height, width };
  const rows = mode === "cfg" && cfgLayout === "one batch of two" ? 2 * batch : batch;
  const { config, weights } = model.unet;
  const guideMemory = mode === "guide" && guide ? memoryOfGuide(guide, size, batch) : null;
  const unet = joinedGraph(config, size, anyWeights(), mode === "guide" ? "guided" : "plain");

  const timeline = new Timeline();
  for (const memory of textMemories(files, 2)) timeline.open("the text encoder", memory);
  timeline.open("the UNet", memoryOf(unet, { batch: rows, ...stored(weights, files) }));
  if (guideMemory) timeline.open("the guide", guideMemory);
  for (const memory of vaeMemories(files, vaeSize(model, size), "decoder")) timeline.open("the VAE's decoder", memory);
  if (asked.coarsePictures) timeline.pass("the VAE's encoder", vaeMemories(files, MOSAIC, "encoder"));
  timeline.run("the text encoder");
  if (asked.fromPicture) timeline.pass("the VAE's encoder", vaeMemories(files, vaeSize(model, size), "encoder"));
  if (guideMemory) timeline.run("the guide");
  timeline.run("the UNet");
  timeline.run("the VAE's decoder"); // a picture at a time, whatever the batch
  const scale = pixelsPerLatent(model.vae.config);
  timeline.hold(
    "the finished pictures",
    PIXEL_BYTES * batch * model.vae.config.imageChannels * scale ** 2 * height * width,
  );
  return timeline.need();
}

/** Measuring, in the order in which `checkPair` opens and runs. */
export function measuringNeed(files: NeedFiles, guide: GuideFile | null, asked: MeasuringNeed): MemoryNeed {
  const { height, width, rows, prompts, cfgLayout } = asked;
  const { config, weights } = files.model.unet;
  const size = { tokens: files.model.textEncoders[0].config.maxTokens, height, width };
  const options = { batch: cfgLayout === "one batch of two" ? 2 * rows : rows, ...stored(weights, files) };
  const encoder = encoderGraph(config, size, anyWeights());
  const timeline = new Timeline();
  for (const memory of asked.evaluator) timeline.open("the evaluator", memory);
  textMemories(files, prompts).forEach((memory) => timeline.open("the text encoder", memory));
  timeline.open("the UNet", memoryOf(encoder, options));
  timeline.open("the UNet", memoryOf(decoderGraph(config, size, anyWeights()), options));
  if (guide) timeline.open("the guide", memoryOfGuide(guide, size, rows));
  const decoders = asked.decodes ? vaeMemories(files, vaeSize(files.model, { height, width }), "decoder") : [];
  for (const memory of decoders) timeline.open("the VAE's decoder", memory);
  timeline.run("the text encoder");
  timeline.run("the UNet");
  timeline.hold(
    "the UNet",
    encoder.outputs.reduce((sum, { value }) => sum + 4 * volumeOf(value.shape, rows), 0),
  ); // kept for the guide
  timeline.run("the guide");
  timeline.run("the VAE's decoder");
  timeline.run("the evaluator");
  return timeline.need();
}

/** A model at these numbers of pixels and of pictures, `rows` side by side where it is measured. */
export function modelNeeds(
  model: Model,
  {
    pixels,
    pictures,
    rows,
  }: { readonly pixels: readonly number[]; readonly pictures: readonly number[]; readonly rows: number },
): ModelNeeds {
  const cfgLayout = cfgLayoutFor(model.unet.weights.parameters);
  const [plain, merged]: NeedFiles[] = [
    { model, guide: null, lowRank: [] },
    { model, guide: null, lowRank: { length: 1 } },
  ];
  const scale = pixelsPerLatent(model.vae.config);
  const own = ownSize(model);
  const ownPixels = scale ** 2 * own.height * own.width;
  const drawn = (files: NeedFiles, size: LatentSize): MemoryNeed => {
    const asked = { ...size, batch: 1, cfgLayout, coarsePictures: true, fromPicture: false };
    const modes = (["cfg", "guide"] as const).map((mode) => drawingNeed(files, { ...asked, mode }));
    return modes.reduce((most, one) => (one.peak > most.peak ? one : most));
  };
  const sizes = [...pixels.map((count) => squareOf(count / scale ** 2)), own].map((size) => ({
    at: scale ** 2 * size.height * size.width,
    size,
  }));
  return {
    drawing: sizes.toSorted((a, b) => a.at - b.at).map(({ at, size }) => needAt(at, drawn(plain!, size))),
    merging: Math.max(0, drawn(merged!, own).peak - drawn(plain!, own).peak),
    measuring: pictures.map((prompts) =>
      needAt(prompts, measuringNeed(plain!, null, { ...own, rows, prompts, cfgLayout, evaluator: [], decodes: false })),
    ),
    measuringPixels: rows * ownPixels,
  };
}

/** A guide by itself, by the pixels of all pictures that are drawn side by side. One latent stands for 8 × 8 in every family. */
export const guideNeeds = (guide: GuideFile, pixels: readonly number[]): NeedAt[] =>
  pixels.map((count) => {
    const size = squareOf(count / 64);
    const { opening, weights, running } = memoryOfGuide(guide, { tokens: 77, ...size }, 1);
    const peak = Math.max(opening, weights + running);
    return { at: 64 * size.height * size.width, peak, stage: "the guide", bytes: peak };
  });

/** A side that every UNet takes. */
function squareOf(latents: number): LatentSize {
  const side = 8 * Math.max(1, Math.floor(Math.sqrt(latents) / 8));
  return { height: side, width: side };
}

const needAt = (at: number, { peak, stages }: MemoryNeed): NeedAt => ({
  at,
  peak,
  ...stages.toSorted((a, b) => b.bytes - a.bytes)[0]!,
});

/** @throws too_little_memory, where a need is more than the budget in bytes */
export function requireMemory({ stages, peak, at }: MemoryNeed, budget: number, what: string, advice: string): void {
  if (peak <= budget) return;
  const largest = stages.toSorted((a, b) => b.bytes - a.bytes)[0]!;
  const needs = `${what} needs about ${showBytes(peak)} of memory, ${showBytes(largest.bytes)} of it for ${largest.stage}`;
  throw new AppError(
    "too_little_memory",
    `${needs}, and ${showBytes(budget)} may be used here; ${advice}, or let it have more (GUIDEPOST_MEMORY) where there is more.`,
    { peak, budget, at, stages, largest: `${showBytes(largest.bytes)} of it for ${largest.stage}` },
  );
}

/** The colours that `fitCoarsePicture` encodes, in latents. */
const MOSAIC = { height: 24, width: 72 };

/** A channel of a pixel as a float, its copies on the way to 8 bits, and the PNG. */
const PIXEL_BYTES = 12;

const anyWeights = () => new RecordingParameters().of;

/** How weights lie in their files, and what the runtime makes of that. */
function stored(weights: WeightMap, { lowRank }: Pick<NeedFiles, "lowRank">) {
  // What is merged with a low-rank file is another tensor, in memory of its own.
  const mapped = lowRank.length === 0 && weights.bytes >= 4 * weights.parameters;
  return { optimization: optimizationFor(weights.bytes), mapped };
}

const textMemories = (files: NeedFiles, batch: number): GraphMemory[] =>
  files.model.textEncoders.map(({ config, weights }) =>
    memoryOf(textEncoderGraph(config, anyWeights(), statesWanted(files.model)), { batch, ...stored(weights, files) }),
  );

/** Of each size of tile, where it is gone through in tiles: the session of each stays open. */
function vaeMemories(
  { model: { vae } }: Pick<NeedFiles, "model">,
  size: VaeSize,
  half: "encoder" | "decoder",
): GraphMemory[] {
  const tile = Math.floor(vae.config.sampleSize / pixelsPerLatent(vae.config));
  const sides = (length: number): number[] => (size.tiled ? tileSides(length, tilingOf(tile, tile)) : [length]);
  const graphOf = half === "encoder" ? vaeEncoderGraph : vaeDecoderGraph;
  return sides(size.height).flatMap((height) =>
    sides(size.width).map((width) =>
      memoryOf(graphOf(vae.config, height, width, anyWeights()), { batch: 1, ...stored(vae.weights, { lowRank: [] }) }),
    ),
  );
}

/** The different lengths of the tiles that a side is cut into. */
function tileSides(length: number, { side, stride }: Tiling): number[] {
  const count = Math.ceil(length / stride);
  return [...new Set(Array.from({ length: count }, (_, i) => Math.min(side, length - i * stride)))];
}

const memoryOfGuide = ({ config, weights }: GuideFile, size: Parameters<typeof guideGraph>[1], batch: number) =>
  memoryOf(guideGraph(config, size, anyWeights()), { batch, ...stored(weights, { lowRank: [] }) });

/** What is open together, one moment after the other. */
class Timeline {
  #open: { readonly stage: string; readonly memory: GraphMemory; bytes: number }[] = [];
  readonly #now = new Map<string, number>();
  readonly #most = new Map<string, number>();
  #peak = PROCESS_BYTES;
  #at = "the process";

  open(stage: string, memory: GraphMemory): void {
    this.#see(this.#held + memory.opening, `opening ${stage}`);
    this.#open.push({ stage, memory, bytes: memory.weights });
    this.hold(stage, memory.weights);
  }

  run(stage: string): void {
    for (const one of this.#open) {
      if (one.stage !== stage) continue;
      one.bytes += one.memory.running;
      this.hold(stage, one.memory.running);
    }
  }

  /** Opens, runs and closes. */
  pass(stage: string, memories: readonly GraphMemory[]): void {
    for (const memory of memories) this.open(stage, memory);
    this.run(stage);
    this.#now.delete(stage);
    this.#open = this.#open.filter((one) => one.stage !== stage);
  }

  hold(stage: string, bytes: number): void {
    const now = (this.#now.get(stage) ?? 0) + bytes;
    this.#now.set(stage, now);
    this.#most.set(stage, Math.max(now, this.#most.get(stage) ?? 0));
    this.#see(this.#held, `running ${stage}`);
  }

  need(): MemoryNeed {
    const stages = Array.from(this.#most, ([stage, bytes]) => ({ stage, bytes }));
    return { stages, peak: this.#peak, at: this.#at };
  }

  get #held(): number {
    return this.#now.values().reduce((sum, bytes) => sum + bytes, PROCESS_BYTES);
  }

  #see(bytes: number, at: string): void {
    if (bytes > this.#peak) [this.#peak, this.#at] = [bytes, at];
  }
}
