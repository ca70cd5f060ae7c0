import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { type MemoryNeed, PROCESS_BYTES, requireMemory } from "#lib/diffusion/needs.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import type { Model } from "#lib/diffusion/model.ts";
import { vaeDecoderGraph } from "#lib/diffusion/vae-graphs.ts";
import type { UNetParts } from "#lib/diffusion/unet-networks.ts";
import { AppError } from "#lib/errors.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import { type GraphMemory, memoryOf } from "#lib/onnx/memory.ts";
import { optimizationFor } from "#lib/onnx/optimization.ts";
import type { Graph } from "#lib/onnx/graph.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { guideParameters } from "./guide-widths.ts";
import type { Plan } from "./plan-schema.ts";
import type { Recipe } from "./recipe.ts";
import { parameterLayout } from "./step/parameter-layout.ts";
import { residualGuide, trainingGraph } from "./step/training-graph.ts";
import { statesIn, walksOf } from "./teacher/walks.ts";

export interface PlanRequest {
  readonly base: Plan["base"];
  readonly config: GuideConfig;
  readonly recipe: Recipe;
  readonly parts: UNetParts;
  /** Where it is written. */
  readonly folder: string;
  /** Bytes that may be taken; null: as many as it needs. */
  readonly memory: number | null;
  /** What decodes the pictures that are shown on the way; null where none are. */
  readonly vae: Model["vae"] | null;
}

/** @throws too_little_memory, disk_full where it would not fit */
export async function planRun({ base, config, recipe, parts, folder, memory, vae }: PlanRequest): Promise<Plan> {
  const graphs = graphsOf(config, parts, recipe);
  const macs = (graph: Graph): number => countMacs(graph).total;
  const walks = walksOf(recipe.teacher);
  const count = walks.reduce((sum, one) => sum + statesIn(one), 0);
  const { batch, steps } = recipe.training;
  const need = memoryNeed(graphs, recipe, parts, vae);
  if (memory !== null)
    requireMemory(
      need,
      memory,
      `To distil a guide of ${base.name}`,
      "distil a smaller base, or with a smaller --batch",
    );
  const written = await bytesIn(folder);
  const disk = { need: Math.max(0, diskNeed(config, recipe, parts, count) - written), free: await freeBytes(folder) };
  requireDisk(disk, folder);
  return {
    base,
    guide: {
      variant: config.variant,
      widths: config.widths,
      parameters: guideParameters(config.base, config.widths),
      guidance: [config.minGuidance, config.maxGuidance],
    },
    prompts: { count: recipe.prompts.count, source: recipe.prompts.source },
    states: { walks: recipe.teacher.trajectories, count, passes: 2 * count, macs: 2 * count * macs(graphs.joined) },
    training: { steps, batch, macs: steps * macs(graphs.training) },
    memory: { need: need.peak, budget: memory },
    disk,
    seconds: null,
  };
}

/** Of shapes alone. */
export function graphsOf(config: GuideConfig, parts: UNetParts, { training }: Recipe) {
  const anyWeights = new RecordingParameters().of;
  const unet = parts.unet.config;
  return {
    joined: joinedGraph(unet, parts, anyWeights),
    training: trainingGraph({
      config: unet,
      parameters: anyWeights,
      network: residualGuide(config),
      layout: parameterLayout(config),
      size: parts,
      batch: training.batch,
      optimizer: training.optimizer,
      recompute: recomputes(parts),
    }),
  };
}

/** Whether a step computes again what it could keep: of a large base, which takes more room than its training may waste. */
export const recomputes = ({ unet }: UNetParts): boolean => unet.weights.bytes > LARGE_BYTES;
const LARGE_BYTES = 2 ** 28;

export function memoryNeed(
  { joined, training }: ReturnType<typeof graphsOf>,
  recipe: Recipe,
  parts: UNetParts,
  vae: Model["vae"] | null,
): MemoryNeed {
  const { weights } = parts.unet;
  const options = { optimization: optimizationFor(weights.bytes), mapped: weights.bytes >= 4 * weights.parameters };
  const whole = ({ opening, weights: held, running }: GraphMemory): number => Math.max(opening, held + running);
  const { rows } = recipe.teacher;
  const stages = [
    { stage: "the base's own states", bytes: whole(memoryOf(joined, { batch: 2 * rows, ...options })) },
    { stage: "the training", bytes: whole(memoryOf(training, { batch: recipe.training.batch, ...options })) },
    { stage: "what is held out", bytes: whole(memoryOf(joined, { batch: rows, ...options })) },
    { stage: "the VAE's decoder", bytes: vae === null ? 0 : whole(decoderMemory(vae, parts)) },
  ];
  const [states, steps, heldOut, decoder] = stages.map(({ bytes }) => bytes) as [number, number, number, number];
  return { stages, peak: PROCESS_BYTES + Math.max(states, steps + heldOut + decoder), at: "training" };
}

/** At the base's own size, which is never cut into tiles. */
function decoderMemory({ config, weights }: Model["vae"], { height, width }: UNetParts): GraphMemory {
  const graph = vaeDecoderGraph(config, height, width, new RecordingParameters().of);
  const mapped = weights.bytes >= 4 * weights.parameters;
  return memoryOf(graph, { batch: 1, optimization: optimizationFor(weights.bytes), mapped });
}

/** In float32: states, texts, what is held out, and a checkpoint beside the one that it replaces. */
function diskNeed(
  { base, widths }: GuideConfig,
  { teacher, heldOut }: Recipe,
  parts: UNetParts,
  states: number,
): number {
  const latents = base.inChannels * parts.height * parts.width;
  const { added } = parts.unet.config;
  const text = parts.tokens * base.crossAttentionDim + (added ? added.pooledWidth + added.timeIds : 0);
  const guide = guideParameters(base, widths);
  const HEADERS = 4e6;
  return (
    4 * (states * (3 * latents + 1) + teacher.trajectories * (text + 1)) +
    4 * heldOut.prompts * heldOut.steps * 2 * latents +
    4 * (2 * 4 * guide + 2 * guide) +
    HEADERS
  );
}

/** What is there already needs no room any more. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function requireDisk({ need, free }: Plan["disk"], folder: string): void {
  if (need <= free) return;
  throw new AppError(
    "disk_full",
    `The run needs ${showBytes(need)} of disk in ${folder}, and ${showBytes(free)} are free; make room, give a folder on another disk, or ask for fewer --trajectories.`,
    { need, free },
  );
}
