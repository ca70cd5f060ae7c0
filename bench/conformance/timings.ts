import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openTrainingStep } from "#lib/distill/step/training-step.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { AppError } from "#lib/errors.ts";
import { sdxl } from "#lib/families/sdxl.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { toOnnx } from "#lib/onnx/model.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { goldenRates, readTrainingGolden } from "../../tests/support/training-golden.ts";
import { median, ratio, takeTurns } from "../interleave.ts";
import { type OpenSingleFigures, openSingleOnce } from "../open-single.ts";
import { readSd15, writeSd15 } from "../synthetic-sd15.ts";
import { sdxlPath, writeSdxl } from "../synthetic-sdxl.ts";
import { sd15UNetJson } from "../sd15.ts";
import { goldenFolder } from "./makers.ts";
import { relative } from "./relative.ts";

/** One UNet step of SD 1.5's size here and under another engine: the same graph or network, the same weights and inputs. */
export interface StepTiming {
  /** Library and precision, such as "openvino-f32". */
  readonly engine: string;
  readonly rounds: number;
  /** Milliseconds, median over rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs in the same round. */
  readonly ratio: Estimate;
  /** ‖theirs − ours‖ / ‖ours‖ of what they predict. */
  readonly difference: number;
}

const place = fileURLToPath(new URL("../out/conformance/step", import.meta.url));
export const engines = ["openvino-f32", "openvino-bf16", "torch-float32", "torch-bfloat16"] as const;

export async function timeSteps(python: string, runtime: Runtime, rounds: number): Promise<StepTiming[]> {
  await writeSd15();
  const { parts } = await readSd15();
  const { unet, tokens, height, width } = parts;
  const weights = join(place, "unet.safetensors");
  await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  await link(unet.files[0]!.path, weights);
  const file = await readWeightsFile(weights);
  const graph = joinedGraph(unet.config, parts, externalParameters(new WeightMap(file.name, [file])));
  await writeFile(join(place, "unet.onnx"), toOnnx(graph, dirname(file.path)));
  await writeFile(join(place, "config.json"), JSON.stringify(sd15UNetJson));
  const generator = createGenerator(0);
  const latents = generator.randn([1, unet.config.inChannels, height, width]);
  const text = generator.randn([1, tokens, unet.config.crossAttentionDim]);
  await writeFile(join(place, "latents.f32"), latents.data);
  await writeFile(join(place, "text.f32"), text.data);

  const ours = await openUNet(parts, runtime);
  const timings: StepTiming[] = [];
  for (const engine of engines) {
    const theirs = await StepProcess.open(python, "step.py", [engine, place, String(runtime.threads)]);
    let prediction: ArrayLike<number> = [];
    const times = await takeTurns(
      {
        ours: async () => {
          const begin = performance.now();
          ({ data: prediction } = await ours.predict(latents, 801, { text }, null));
          return performance.now() - begin;
        },
        theirs: () => theirs.step(),
      },
      rounds,
    );
    await theirs.close();
    const bytes = await readFile(join(place, `${engine}.f32`));
    const difference = relative(prediction, new Float32Array(new Uint8Array(bytes).buffer));
    timings.push({
      engine,
      rounds,
      ours: median(times.ours),
      theirs: median(times.theirs),
      ratio: ratio(times.ours, times.theirs),
      difference,
    });
  }
  await ours.close();
  return timings;
}

/** A training step of the golden batch of 32 here and in PyTorch: milliseconds, median over rounds, and ours ÷ theirs. */
export interface TrainingTiming {
  readonly rounds: number;
  readonly ours: number;
  readonly torch: number;
  readonly ratio: Estimate;
}

export async function timeTraining(python: string, runtime: Runtime, rounds: number): Promise<TrainingTiming> {
  const { options, batch } = await readTrainingGolden();
  const step = await openTrainingStep({ ...options, runtime });
  const theirs = await StepProcess.open(python, "train.py", [goldenFolder, String(runtime.threads)]);
  const timed = async (): Promise<number> => {
    const begin = performance.now();
    await step.run(batch, goldenRates);
    return performance.now() - begin;
  };
  const times = await takeTurns({ ours: timed, torch: () => theirs.step() }, rounds);
  await theirs.close();
  await step.close();
  const { ours, torch } = times;
  return { rounds, ours: median(ours), torch: median(torch), ratio: ratio(ours, torch) };
}

class StepProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static async open(python: string, script: string, args: readonly string[]): Promise<StepProcess> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const one = new StepProcess(spawn(python, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] }));
    if ((await one.#line()) !== "open")
      throw new AppError("internal", `${script} ${args[0]} did not open its network; its last lines are above.`);
    return one;
  }

  /** Milliseconds. */
  async step(): Promise<number> {
    this.#child.stdin.write("step\n");
    return Number(await this.#line());
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new AppError("internal", "A step ended early; its last lines are above.");
    return value;
  }
}

/** Opening all networks of a single file of SDXL's size and one step on 64 × 64 latents, here and in diffusers, one after the other. */
export interface SingleFileTiming {
  readonly ours: OpenSingleFigures;
  readonly diffusers: OpenSingleFigures;
}

const SIDE = 64;

export async function timeSingleFile(python: string, runtime: Runtime): Promise<SingleFileTiming> {
  await writeSdxl();
  const config = await writeSdxlConfig();
  const script = fileURLToPath(new URL("from_single_file.py", import.meta.url));
  const ours = await openSingleOnce(sdxlPath, SIDE, runtime);
  const { stdout } = await promisify(execFile)(python, [
    script,
    sdxlPath,
    config,
    String(runtime.threads),
    String(SIDE),
  ]);
  const diffusers: OpenSingleFigures = JSON.parse(stdout.trim().split("\n").at(-1)!);
  return { ours, diffusers };
}

/** Python's checks tell 1 from 1.0, and JavaScript does not; these decide only how a network begins its training. */
const withoutWholeFloats = (key: string, value: unknown): unknown =>
  /dropout|initializer_factor/.test(key) ? undefined : value;

/** The family's configs as files, with a small tokenizer, for which nothing needs to be downloaded. */
async function writeSdxlConfig(): Promise<string> {
  const folder = fileURLToPath(new URL("../out/conformance/sdxl-config", import.meta.url));
  await cp(join(goldenFolder, "families/sdxl"), folder, {
    recursive: true,
    filter: (path) => !path.endsWith("safetensors"),
  });
  const { scheduler: _scheduler, ...configs } = sdxl.variants[0].configs!;
  for (const [part, config] of Object.entries(configs))
    await writeFile(join(folder, part, "config.json"), JSON.stringify(config, withoutWholeFloats));
  return folder;
}
