import { realpathSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Command, Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { EmbeddingChoice } from "#lib/diffusion/learned-words.ts";
import type { LowRankChoice } from "#lib/diffusion/model-files.ts";
import type { PictureSize } from "#lib/diffusion/text-conditioner.ts";
import type { ProviderChoice } from "#lib/onnx/providers.ts";
import { encodePng } from "#lib/picture/png.ts";
import { type Recipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { readPng } from "#lib/picture/read-png.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { type PromptSyntax, promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { recipeText } from "#lib/picture/recipe-text.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { version } from "#lib/version.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { type SamplerName, samplerNames } from "#lib/sampler-names.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import type { ResultOf, SampleJob } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { defaultThreads, embedding, integer, lowRank, number, providerOption, seed, threads } from "./options.ts";
import { requireWritable, writeOutput } from "./output-file.ts";
import { resolveNetworks } from "./resolve-networks.ts";
import { runJob } from "./run-job.ts";
import { say } from "./say.ts";

interface Options {
  prompt: string;
  negative?: string;
  mode?: "conditional" | "guide" | "cfg";
  guide?: string;
  cfgSteps: number;
  guideStrength: number;
  config?: string;
  lora: LowRankChoice[];
  loraFolder?: string;
  embedding: EmbeddingChoice[];
  promptSyntax: PromptSyntax;
  clipSkip: number;
  guidanceRescale: number;
  width?: number;
  height?: number;
  init?: string;
  strength?: number;
  seedEach: boolean;
  guidance: number;
  steps: number;
  sampler: SamplerName;
  seed: bigint;
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
  .argument("<model>", "a diffusers folder, or a single-file checkpoint")
  .option("--config <folder>", "a diffusers folder that describes the networks of a single file of another shape")
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
  .option(
    "--guide-strength <factor>",
    "multiplies all that the guide adds; 1 is as it was made",
    number("--guide-strength"),
    1,
  )
  .option("--lora <file[:strength]>", "a low-rank file to add; may be repeated", lowRank, [])
  .option("--lora-folder <folder>", "where <lora:name:strength> of a prompt finds its file")
  .option(
    "--embedding <file[:word]>",
    "a learned word (textual inversion) that prompts may name; may be repeated",
    embedding,
    [],
  )
  .addOption(
    new Option("--prompt-syntax <name>", "how prompts are read: as plain text, or with emphasis, BREAK and <lora:…>")
      .choices(promptSyntaxes)
      .default("plain"),
  )
  .option(
    "--clip-skip <count>",
    "1 skips no layer of the text encoder, 2 one: of the prompt as in diffusers, or with --prompt-syntax a1111 as there",
    integer("--clip-skip", 1, 12),
    1,
  )
  .option(
    "--guidance-rescale <share>",
    "how far CFG's contrast is brought back to the prompt's, 0 to 1",
    number("--guidance-rescale"),
    0,
  )
  .option("--width <pixels>", "of the picture (default: what the model was trained on)", integer("--width", 8, 4096))
  .option("--height <pixels>", "of the picture", integer("--height", 8, 4096))
  .option("--init <file>", "a PNG to begin at, of the size that is drawn")
  .option(
    "--strength <share>",
    "how far to go from the picture of --init, above 0 to 1 (default: 0.6)",
    number("--strength"),
  )
  .option(
    "--guidance <scale>",
    "how much more than the model by itself to follow the prompt; 1 is no more",
    number("--guidance"),
    5,
  )
  .option("--steps <count>", "denoising steps", number("--steps"), 20)
  .addOption(new Option("--sampler <name>", "the rule that moves a step").choices(samplerNames).default("ddim"))
  .addOption(
    new Option("--seed <number>", "which noise to start from, as torch.randn draws it")
      .argParser(seed)
      .default(0n, "0"), // shown as text: a bigint is no JSON
  )
  .option("--batch <count>", "pictures at once, side by side (default: 1)", integer("--batch", 1, 64))
  .option("--seed-each", "give each picture of a batch a seed of its own: seed, seed + 1, …", false)
  .option("--latents <file>", "start from the tensor `latents` [B, C, H, W] of a safetensors file instead of a seed")
  .option("--save-latents <file>", "also write the final `latents`, as safetensors")
  .requiredOption("-o, --out <file>", "the PNG to write")
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .addOption(providerOption())
  .option("--json", "print one JSON object", false)
  .action(run);

async function run(model: string, options: Options): Promise<void> {
  for (const path of [options.out, options.saveLatents]) if (path !== undefined) await requireWritable(path);
  requireApart(options);
  if (options.seedEach && options.latents !== undefined)
    throw new AppError(
      "bad_request",
      "--seed-each draws noise of seeds, and --latents brings its own; leave one of them out.",
    );
  const noise = options.latents === undefined ? null : await readLatents(options.latents);
  if (noise && options.batch !== undefined && options.batch !== noise.shape[0]) {
    throw new AppError(
      "bad_request",
      `--batch ${options.batch} and the ${noise.shape[0]} latents of ${options.latents} do not agree; leave --batch out.`,
    );
  }
  if (options.strength !== undefined && options.init === undefined)
    throw new AppError(
      "bad_request",
      "--strength says how far to go from a picture; give one with --init, or leave it out.",
    );
  const init = options.init === undefined ? null : readPng(await readPicture(options.init), basename(options.init));
  const { strength = 0.6 } = options;
  const networks = await resolveNetworks(options);
  const mode = options.mode ?? (options.guide === undefined ? "cfg" : "guide");
  const job: SampleJob = {
    type: "sample",
    runtime: runtimeFor(options.provider, options.threads),
    choice: {
      model,
      config: options.config ?? null,
      lowRank: networks.lowRank,
      guide: (mode === "guide" && options.guide) || null,
      embeddings: options.embedding,
    },
    request: {
      prompt: options.prompt,
      negativePrompt: options.negative ?? null,
      promptSyntax: options.promptSyntax,
      clipSkip: options.clipSkip - 1,
      plan: {
        mode,
        guidanceScale: options.guidance,
        cfgSteps: options.cfgSteps,
        ...(options.guideStrength !== 1 && { guideStrength: options.guideStrength }),
        ...(options.guidanceRescale !== 0 && { guidanceRescale: options.guidanceRescale }),
      },
      sampler: options.sampler,
      steps: options.steps,
      size: sizeOf(options, init),
      start: noise
        ? { noise }
        : {
            seed: options.seed,
            batch: options.batch ?? 1,
            batchNoise: options.seedEach ? "a seed each" : "one stream",
          },
      picture: init && { picture: init, strength },
    },
    pictures: false,
  };
  const result = await runJob(job);
  const recipe = await recipeOf(job, result, options);
  await writeOutput(options.out, encodePng(result.picture, recipeText(recipe)));
  if (options.saveLatents !== undefined)
    await writeOutput(options.saveLatents, writeSafetensors(new Map([["latents", result.latents]])));
  say(
    options.json,
    {
      picture: options.out,
      latents: options.saveLatents ?? null,
      notes: [...networks.notes, ...result.notes],
      seconds: result.seconds,
      recipe: toRecipeJson(recipe),
    },
    () => [
      `Wrote ${options.out}: ${recipe.batch > 1 ? `${recipe.batch} pictures of ` : ""}${recipe.width} × ${recipe.height}, ${recipe.mode}, ${recipe.steps} steps, ${recipe.passes} passes, ${result.seconds.loop.toFixed(2)} s.`,
      ...networks.notes,
      ...result.notes,
    ],
  );
}

/** Of two results, and of a result and what it is made from, the later would destroy the earlier. @throws bad_request */
function requireApart({ out, saveLatents, init, latents, guide, lora, embedding: words }: Options): void {
  const results = [out, ...(saveLatents === undefined ? [] : [saveLatents])];
  const read = [init, latents, guide, ...lora.map(({ path }) => path), ...words.map(({ path }) => path)];
  const taken = new Set(read.flatMap((path) => (path === undefined ? [] : [placeOf(path)])));
  for (const path of results) {
    const place = placeOf(path);
    if (taken.has(place) && statSync(place, { throwIfNoEntry: false })?.isFile() !== false)
      throw new AppError("bad_request", `${path} is named twice, and writing it would destroy it; name another file.`);
    taken.add(place);
  }
}

/** With symbolic links resolved, where it is there. */
function placeOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Both sides where either is asked for; else that of the picture to begin at, else the model's own. */
function sizeOf({ width, height }: Options, init: Picture | null): PictureSize | null {
  if (width === undefined && height === undefined) return init && { width: init.width, height: init.height };
  if (width !== undefined && height !== undefined) return { width, height };
  throw new AppError("bad_request", "A size needs both sides; give --width and --height.");
}

const readPicture = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError("file_not_found", `${path} cannot be read (${cause.code}); check the path.`, { path }, cause);
  });

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
    ...(request.promptSyntax !== "plain" && { promptSyntax: request.promptSyntax }),
    ...(request.clipSkip > 0 && { clipSkip: request.clipSkip }),
    ...(request.plan.guideStrength !== undefined && { guideStrength: request.plan.guideStrength }),
    ...(request.plan.guidanceRescale && { guidanceRescale: request.plan.guidanceRescale }),
    ...(options.init !== undefined &&
      request.picture && {
        picture: { sha256: await sha256OfFile(options.init), strength: request.picture.strength },
      }),
    ...(options.seedEach && { noise: "a seed each" as const }),
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
