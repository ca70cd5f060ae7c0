import { Command, Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { LowRankChoice } from "#lib/diffusion/model-files.ts";
import type { ProviderChoice } from "#lib/onnx/providers.ts";
import { encodePng } from "#lib/picture/png.ts";
import type { Recipe } from "#lib/picture/recipe.ts";
import { recipeText } from "#lib/picture/recipe-text.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { version } from "#lib/version.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import type { ResultOf, SampleJob } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { defaultThreads, integer, lowRank, number, providerOption, threads } from "./options.ts";
import { requireWritable, writeWhole } from "./output-file.ts";
import { runJob } from "./run-job.ts";
import { say } from "./say.ts";

interface Options {
  prompt: string;
  negative?: string;
  mode?: "conditional" | "guide" | "cfg";
  guide?: string;
  cfgSteps: number;
  lora: LowRankChoice[];
  guidance: number;
  steps: number;
  sampler: "ddim" | "dpmpp-2m";
  seed: number;
  batch?: number;
  latents?: string;
  saveLatents?: string;
  out: string;
  threads: number;
  provider?: ProviderChoice;
  json: boolean;
}

export const sampleCommand = new Command("sample")
  .description("Draw a picture. The PNG carries its recipe; the same recipe on the same runtime draws the same pixels.")
  .argument("<model>", "a diffusers folder")
  .requiredOption("--prompt <text>", "what to draw")
  .option("--negative <text>", "what to stay away from (needs CFG)")
  .addOption(
    new Option("--mode <mode>", "how to guide (default: guide where --guide is given, else cfg)").choices([
      "conditional",
      "guide",
      "cfg",
    ]),
  )
  .option("--guide <file>", "the guide to use in the mode guide")
  .option(
    "--cfg-steps <count>",
    "let CFG do this many first steps before the guide takes over",
    number("--cfg-steps"),
    0,
  )
  .option("--lora <file[:strength]>", "a low-rank file to add; may be repeated", lowRank, [])
  .option("--guidance <scale>", "how strongly to follow the prompt; 1 is not at all", number("--guidance"), 5)
  .option("--steps <count>", "denoising steps", number("--steps"), 20)
  .addOption(new Option("--sampler <name>", "the rule that moves a step").choices(["ddim", "dpmpp-2m"]).default("ddim"))
  .option(
    "--seed <number>",
    "which noise to start from, as torch.randn draws it",
    integer("--seed", 0, Number.MAX_SAFE_INTEGER),
    0,
  )
  .option("--batch <count>", "pictures at once, side by side (default: 1)", integer("--batch", 1, 64))
  .option("--latents <file>", "start from the tensor `latents` [B, C, H, W] of a safetensors file instead of a seed")
  .option("--save-latents <file>", "also write the final `latents`, as safetensors")
  .requiredOption("-o, --out <file>", "the PNG to write")
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .addOption(providerOption())
  .option("--json", "print one JSON object", false)
  .action(run);

async function run(model: string, options: Options): Promise<void> {
  for (const path of [options.out, options.saveLatents]) if (path !== undefined) await requireWritable(path);
  const noise = options.latents === undefined ? null : await readLatents(options.latents);
  if (noise && options.batch !== undefined && options.batch !== noise.shape[0]) {
    throw new AppError(
      "bad_request",
      `--batch ${options.batch} and the ${noise.shape[0]} latents of ${options.latents} do not agree; leave --batch out.`,
    );
  }
  const mode = options.mode ?? (options.guide === undefined ? "cfg" : "guide");
  const job: SampleJob = {
    type: "sample",
    runtime: runtimeFor(options.provider, options.threads),
    choice: { model, lowRank: options.lora, guide: (mode === "guide" && options.guide) || null },
    request: {
      prompt: options.prompt,
      negativePrompt: options.negative ?? null,
      plan: { mode, guidanceScale: options.guidance, cfgSteps: options.cfgSteps },
      sampler: options.sampler,
      steps: options.steps,
      start: noise ? { noise } : { seed: options.seed, batch: options.batch ?? 1 },
    },
    pictures: false,
  };
  const result = await runJob(job);
  const recipe = await recipeOf(job, result, options);
  await writeWhole(options.out, encodePng(result.picture, recipeText(recipe)));
  if (options.saveLatents !== undefined)
    await writeWhole(options.saveLatents, writeSafetensors(new Map([["latents", result.latents]])));
  say(
    options.json,
    {
      picture: options.out,
      latents: options.saveLatents ?? null,
      notes: result.notes,
      seconds: result.seconds,
      recipe,
    },
    () => [
      `Wrote ${options.out}: ${recipe.batch > 1 ? `${recipe.batch} pictures of ` : ""}${recipe.width} × ${recipe.height}, ${recipe.mode}, ${recipe.steps} steps, ${recipe.passes} passes, ${result.seconds.loop.toFixed(2)} s.`,
      ...result.notes,
    ],
  );
}

async function readLatents(path: string): Promise<FloatTensor> {
  const source = await openFile(path);
  try {
    const entry = (await readHeader(source)).tensors.get("latents");
    if (!entry) throw new AppError("bad_request", `${path} has no tensor "latents"; write the noise under that name.`);
    return await readTensor(source, entry);
  } finally {
    await source.close();
  }
}

async function recipeOf({ request }: SampleJob, result: ResultOf<SampleJob>, options: Options): Promise<Recipe> {
  return {
    guidepost: version,
    prompt: request.prompt,
    negativePrompt: request.negativePrompt,
    mode: request.plan.mode,
    guidanceScale: request.plan.guidanceScale,
    cfgSteps: request.plan.cfgSteps,
    steps: request.steps,
    sampler: request.sampler,
    seed: options.latents === undefined ? options.seed : null,
    latents: options.latents === undefined ? null : { sha256: await sha256OfFile(options.latents) },
    batch: result.latents.shape[0]!,
    width: result.picture.width / result.latents.shape[0]!,
    height: result.picture.height,
    model: result.model,
    files: result.files,
    runtime: result.runtime,
    passes: result.passes,
  };
}
