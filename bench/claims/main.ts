import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { protocol } from "#lib/measure/pair-protocol.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { defaultThreads, integer, threads } from "#workers/cli/options.ts";
import { openRuntime } from "#workers/inference/runtime.ts";
import { describeMachine } from "../machine.ts";
import { starterPath } from "../starter-path.ts";
import { evaluator, type Style, styleNames, styles } from "../verdicts/styles.ts";
import type { Claims, TransferRow } from "./claims.ts";
import { measureControls } from "./controls.ts";
import { countParameters, timeGuide } from "./cost.ts";
import { FRECHET_PASSES, measureFrechet, measureSteps, STEPS_PASSES } from "./distances.ts";
import type { Captions } from "./draw.ts";
import { toReport } from "./report.ts";
import { runStage } from "./stage.ts";
import { judgePair, PASSES_OF_A_PICTURE } from "./verdicts.ts";
import { allWays, fewWays, measureWays, passesOf } from "./ways.ts";

interface Options {
  quick: boolean;
  fromScratch: boolean;
  guide: string;
  prompts: number;
  pictures: number;
  sd15: boolean;
  threads: number;
}

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const out = fileURLToPath(new URL("../out/claims/", import.meta.url));

/** So many pictures at least, since a covariance of 64 features is compared. */
const FOR_FRECHET = 640;

await new Command("npm run claims --")
  .description(
    "Measures what the paper's abstract claims, on the starter's models. What was measured before stands, so a run that was cut off goes on.",
  )
  .option(
    "--quick",
    "64 prompts, the base and one fine-tune, no distances of distributions; keeps nothing, and writes nothing under docs/",
    false,
  )
  .option(
    "--from-scratch",
    "distils the guide first, some 8 minutes on two cores; its results are kept apart from the shipped guide's",
    false,
  )
  .option("--guide <file>", "which guide is measured", starterPath("guide-distilled/guide.safetensors"))
  .option("--prompts <count>", "at most so many for each verdict", integer("--prompts", 48, 384), 192)
  .option(
    "--pictures <count>",
    "for each distance of distributions, 640 at least; 0 measures none",
    integer("--pictures", 0, 10_000),
    FOR_FRECHET,
  )
  .option("--no-sd15", "without the times of a UNet of SD 1.5's size, which take 1.7 GB of disk and ten minutes")
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .action(run)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const runtime = await openRuntime({ provider: "cpu", threads: options.threads });
  const guide = options.fromScratch ? await distilAnew() : options.guide;
  const machine = describeMachine(options.threads);
  const claims = await measureClaims(guide, options, runtime);
  const folder = options.quick ? out : docs;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "claims.json"), `${JSON.stringify(claims, null, 1)}\n`);
  if (!options.quick) await toReport(claims, machine, docs);
  process.stdout.write(`${JSON.stringify(claims)}\n`);
}

async function measureClaims(
  guide: string,
  { quick, prompts, pictures, sd15: isWanted, fromScratch }: Options,
  runtime: Runtime,
): Promise<Claims> {
  const files = { guide: await sha256OfFile(guide), evaluator: await sha256OfFile(evaluator), protocol, fromScratch };
  const wanted: readonly Style[] = quick ? ["storybook", "watercolor"] : styleNames;
  const rounds = quick ? 5 : 20;
  const counted = await countParameters(guide);
  const starter = await runStage(!quick, {
    name: "time on the starter",
    inputs: { ...files, rounds },
    passes: 0,
    run: () => timeGuide("starter", rounds, runtime),
  });
  const sd15 =
    quick || !isWanted
      ? null
      : await runStage(!quick, {
          name: "time at SD 1.5's size",
          inputs: files,
          passes: 0,
          run: () => timeGuide("sd15", 5, runtime),
        });
  const rows: { readonly transfer: TransferRow; readonly dial: Claims["dial"] }[] = [];
  for (const style of wanted) rows.push(await measureStyle(style, guide, { files, quick, prompts, pictures }, runtime));
  const captions: Captions = { count: pictures, key: null, seed: 31 };
  const steps =
    quick || pictures < FOR_FRECHET
      ? null
      : await runStage(!quick, {
          name: "few steps on storybook",
          inputs: { ...files, captions },
          passes: STEPS_PASSES * pictures,
          run: () => measureSteps({ style: "storybook", guide }, captions, runtime),
        });
  const controls = await runStage(!quick, {
    name: "negative controls",
    inputs: { ...files, quick },
    passes: 0,
    run: () => measureControls(guide, quick, runtime),
  });
  return {
    guide: { sha256: files.guide },
    parameters: {
      share: counted.share,
      base: counted.base,
      guide: counted.guide,
      trainableOfBase: await trainableOf(guide),
    },
    compute: { macsRatio: counted.macsRatio, wallRatio: starter.loop.value, starter, sd15 },
    dial: rows.flatMap(({ dial }) => dial),
    transfer: rows.map(({ transfer }) => transfer),
    steps: steps?.rows ?? [],
    cfgAt50: steps?.cfg ?? null,
    controls,
  };
}

async function measureStyle(
  style: Style,
  guide: string,
  { files, quick, prompts, pictures }: { readonly files: object } & Pick<Options, "quick" | "prompts" | "pictures">,
  runtime: Runtime,
): Promise<{ transfer: TransferRow; dial: Claims["dial"] }> {
  const pair = { style, guide };
  const weights = await weightsOf(style);
  const most = quick ? 48 : prompts;
  const judged = await runStage(!quick, {
    name: `${style}: verdict`,
    inputs: { ...files, weights, most },
    passes: PASSES_OF_A_PICTURE * most,
    run: () => judgePair(pair, most, runtime),
  });
  const unseen: Captions = { count: quick ? 64 : Math.min(64, prompts), key: "claims", seed: 29 };
  const wanted = quick ? fewWays : allWays;
  const ways = await runStage(!quick, {
    name: `${style}: other ways`,
    inputs: { ...files, weights, unseen, wanted },
    passes: passesOf(wanted) * unseen.count,
    run: () => measureWays(pair, unseen, wanted, runtime),
  });
  const captions: Captions = { count: pictures, key: null, seed: 31 };
  const frechet =
    quick || pictures < FOR_FRECHET
      ? null
      : await runStage(!quick, {
          name: `${style}: distances of distributions`,
          inputs: { ...files, weights, captions },
          passes: FRECHET_PASSES * pictures,
          run: () => measureFrechet(pair, captions, runtime),
        });
  const { recovered, fvu, delivered, verdict, scored } = judged;
  return {
    dial: ways.dial.map((point) => ({ name: style, ...point, n: unseen.count })),
    transfer: {
      name: style,
      verdict,
      scored,
      recovered: recovered && { value: recovered.value, interval: [recovered.low, recovered.high], n: recovered.n },
      deliveredGuidance: ways.deliveredGuidance?.value ?? null,
      fidelity: ways.fidelity,
      interval: ways.interval,
      conditionalDistance: ways.conditionalDistance,
      frechet,
      fvu,
      delivered,
      n: unseen.count,
    },
  };
}

function weightsOf(style: Style): Promise<string> {
  const { model, lora } = styles[style];
  return sha256OfFile(starterPath(lora ?? `${model}/unet/diffusion_pytorch_model.safetensors`));
}

/** From the record beside a guide that this project distilled; null of another. */
async function trainableOf(guide: string): Promise<number | null> {
  const record = await readFile(join(guide, "../record.json"), "utf8").catch(() => null);
  return record === null ? null : (JSON.parse(record) as { base: { trainable: number } }).base.trainable;
}

/** By the command that a person would type; what it left of an earlier run it goes on from. */
async function distilAnew(): Promise<string> {
  const folder = join(out, "guide");
  await mkdir(out, { recursive: true });
  const command = fileURLToPath(new URL("../../guidepost.js", import.meta.url));
  const resumed = existsSync(join(folder, "run")) ? ["--resume", folder] : ["-o", folder];
  if (!existsSync(join(folder, "guide.safetensors"))) {
    const { status } = spawnSync(process.execPath, [command, "distill", starterPath("storybook"), ...resumed], {
      stdio: ["ignore", 2, 2],
    });
    if (status !== 0) throw new Error("The guide was not distilled; what went wrong stands above.");
  }
  return join(folder, "guide.safetensors");
}
