import { denoise } from "#lib/diffusion/denoise.ts";
import { statesWanted } from "#lib/diffusion/model.ts";
import type { CfgLayout } from "#lib/diffusion/cfg-layout.ts";
import type { GuidanceMode } from "#lib/diffusion/guidance.ts";
import type { Pipeline } from "#lib/diffusion/pipeline.ts";
import { sample } from "#lib/diffusion/sample.ts";
import { usual } from "#lib/diffusion/sample-request.ts";
import { textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { vaeDecoderGraph } from "#lib/diffusion/vae-graphs.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { costOf } from "#lib/measure/cost.ts";
import { countMacs } from "#lib/onnx/macs.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { interleave, median, ratio, type Times } from "./interleave.ts";
import { openGuided, type Subject } from "./subject.ts";
import { estimate, milliseconds, table } from "./table.ts";

interface Row {
  readonly what: string;
  readonly milliseconds: { readonly min: number; readonly median: number };
  /** Of everything timed in this row. */
  readonly gigaMacs: number;
  /** Time, and multiply–accumulates, as shares of CFG's. */
  readonly time: Estimate;
  readonly macs: number;
}

export interface GuideResult {
  readonly steps: number;
  readonly rounds: number;
  /** The faster way to compute CFG here: the denominator of every ratio. */
  readonly cfgLayout: CfgLayout;
  readonly loop: readonly Row[];
  /** Text encoder, loop and VAE; none where there is only a UNet. */
  readonly image: readonly Row[] | null;
}

type Run = "conditional" | "guide" | CfgLayout;
const layouts = ["one batch of two", "two passes"] as const;

/** Guide against CFG against conditional, from the same noise: per denoising loop and per whole picture. */
export async function benchGuide(subject: Subject, rounds: number, runtime: Runtime): Promise<GuideResult> {
  const { guided, guide } = await openGuided(subject, runtime);
  const plain = await openUNet(subject.parts, runtime); // CFG and conditional are timed without residuals to feed
  const {
    tokens,
    height,
    width,
    unet: { config },
  } = subject.parts;
  const generator = createGenerator(0);
  const noise = generator.randn([1, config.inChannels, height, width]);
  const texts = {
    conditional: { text: generator.randn([1, tokens, config.crossAttentionDim]) },
    unconditional: { text: generator.randn([1, tokens, config.crossAttentionDim]) },
  };
  const loop = (mode: GuidanceMode, cfgLayout: CfgLayout) => async (): Promise<void> => {
    const plan = { mode, guidanceScale: 5, cfgSteps: 0 };
    let latents: FloatTensor = noise;
    for await (const step of denoise(
      { unet: mode === "guide" ? guided : plain, guide, cfgLayout },
      { plan, schedule: subject.schedule, sampler: "ddim", steps: subject.steps, noise, texts },
    ))
      latents = step.latents;
    if (latents === noise) throw new Error("bench: nothing was denoised");
  };
  const times = await interleave<Run>(
    {
      conditional: loop("conditional", "two passes"),
      guide: loop("guide", "two passes"),
      "one batch of two": loop("cfg", "one batch of two"),
      "two passes": loop("cfg", "two passes"),
    },
    rounds,
  );
  const cfgLayout = layouts.toSorted((a, b) => median(times[a]) - median(times[b]))[0]!;
  for (const network of [guided, plain, guide]) await network.close();

  const { base, guide: added } = costOf(subject.parts, subject.guide);
  const { steps } = subject;
  const macs = {
    conditional: steps * base.total,
    guide: steps * (base.total + added.total),
    cfg: steps * 2 * base.total,
  };
  const result = { steps, rounds, cfgLayout, loop: rowsOf(times, cfgLayout, macs) };
  return { ...result, image: await benchImage(subject, rounds, runtime, cfgLayout, macs) };
}

/** Multiply–accumulates of a whole loop or picture. */
type ModeMacs = Readonly<Record<GuidanceMode, number>>;

async function benchImage(
  subject: Subject,
  rounds: number,
  runtime: Runtime,
  cfgLayout: CfgLayout,
  loopMacs: ModeMacs,
): Promise<Row[] | null> {
  const whole = await subject.openWhole(runtime);
  if (!whole) return null;
  const image = (mode: GuidanceMode) => async (): Promise<void> => {
    const plan = { mode, guidanceScale: 5, cfgSteps: 0 };
    let latents: FloatTensor | undefined;
    for await (const step of sample(
      { ...whole, cfgLayout },
      {
        ...usual,
        prompt: "a big red house in a meadow",
        negativePrompt: null,
        plan,
        sampler: "ddim",
        steps: subject.steps,
        start: { seed: 0n, batch: 1, batchNoise: "one stream" },
      },
    ))
      ({ latents } = step);
    await whole.vae.decode(latents!);
  };
  const times = await interleave<GuidanceMode>(
    { conditional: image("conditional"), guide: image("guide"), cfg: image("cfg") },
    rounds,
  );
  await whole.close();
  const ends = macsOfEnds(whole);
  const macs = { conditional: loopMacs.conditional + ends, guide: loopMacs.guide + ends, cfg: loopMacs.cfg + ends };
  return rowsOf(
    { conditional: times.conditional, guide: times.guide, [cfgLayout]: times.cfg } as Times<Run>,
    cfgLayout,
    macs,
  );
}

/** What every mode pays alike: the text encoder, which is always given two prompts, and the VAE's decoder. */
function macsOfEnds({ files: { model }, size }: Pipeline): number {
  const anyWeights = new RecordingParameters().of;
  const encoders = model.textEncoders.map(({ config }) => textEncoderGraph(config, anyWeights, statesWanted(model)));
  const decoder = vaeDecoderGraph(model.vae.config, size.height, size.width, anyWeights);
  return encoders.reduce((sum, graph) => sum + countMacs(graph, 2).total, countMacs(decoder).total);
}

function rowsOf(times: Partial<Times<Run>>, cfgLayout: CfgLayout, macs: ModeMacs): Row[] {
  const cfg = times[cfgLayout]!;
  return Object.entries(times).map(([what, values]) => {
    const modeMacs = what === "conditional" || what === "guide" ? macs[what] : macs.cfg;
    return {
      what: what === "conditional" || what === "guide" ? what : `CFG, ${what}`,
      milliseconds: { min: Math.min(...values), median: median(values) },
      gigaMacs: modeMacs / 1e9,
      time: ratio(values, cfg),
      macs: modeMacs / macs.cfg,
    };
  });
}

export function showGuide({ steps, rounds, cfgLayout, loop, image }: GuideResult): string {
  const rows = (list: readonly Row[]): string[][] =>
    list.map((row) => [
      row.what,
      milliseconds(row.milliseconds.min),
      milliseconds(row.milliseconds.median),
      estimate(row.time),
      row.macs.toFixed(4),
      row.gigaMacs.toFixed(2),
    ]);
  const head = (what: string): string[] => [what, "ms min", "median", "time / CFG", "MACs / CFG", "GMAC"];
  const parts = [table([head(`denoising loop, ${steps} steps`), ...rows(loop)])];
  parts.push(
    image ? table([head("whole picture"), ...rows(image)]) : "whole picture: not measured, there is only a UNet",
  );
  return [
    ...parts,
    `${rounds} rounds, interleaved; CFG = ${cfgLayout}, the faster here; intervals are 95% bootstrap over rounds.`,
  ].join("\n\n");
}
