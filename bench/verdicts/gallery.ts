import { copyFile, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "#lib/errors.ts";
import { checkPair, type PairCheckRequest, type PairReport } from "#lib/measure/pair-check.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import type { VerdictName } from "#lib/pairing/verdict.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import { starterPath } from "../starter-path.ts";
import { evaluator, tiny, unitOf } from "./styles.ts";
import { changedFile, changedModel, combine, permuteBlocks, shuffled, type Tensors, unetOf } from "./weights.ts";

type Unit = Pick<PairCheckRequest, "model" | "lowRank">;
type Outcome = VerdictName | "refused";

/** A pair that is hard to judge, and the words that are true of it. */
interface Case {
  readonly name: string;
  readonly unit: Unit;
  readonly guide: string;
  readonly truth: readonly Outcome[];
  /** The case that it must be equal to, prompt by prompt: the same function under another name. */
  readonly sameAs?: string;
  /** What a reason must say, where the word alone may be right for a wrong reason. */
  readonly says?: RegExp;
}

export interface GalleryRow {
  readonly name: string;
  readonly truth: readonly Outcome[];
  readonly found: Outcome;
  readonly recovered: number | null;
  readonly reason: string;
  readonly isRight: boolean;
}

/** Every case at the first look, with the starter's evaluator and prompts; or only those of some names. */
export async function runGallery(
  runtime: Runtime,
  tell: (row: GalleryRow) => void,
  isWanted: (name: string) => boolean = () => true,
): Promise<GalleryRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "gallery-"));
  try {
    const prompts = await readPrompts(starterPath("prompts.txt"));
    const kept = new Map<string, PairReport["raw"]["fidelity"]>();
    const rows: GalleryRow[] = [];
    for (const one of (await casesIn(folder)).filter(({ name }) => isWanted(name))) {
      const found = await measure(one, prompts, join(folder, "tapes"), runtime);
      if (found.report) kept.set(one.name, found.report.raw.fidelity);
      const isSame =
        one.sameAs === undefined || JSON.stringify(kept.get(one.name)) === JSON.stringify(kept.get(one.sameAs));
      const row = {
        name: one.name,
        truth: one.truth,
        found: found.word,
        recovered: found.report?.evidence.fidelity?.recovered?.value ?? null,
        reason: found.reason,
        isRight: one.truth.includes(found.word) && isSame && (one.says?.test(found.reason) ?? true),
      };
      rows.push(row);
      tell(row);
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  { unit, guide }: Case,
  prompts: readonly string[],
  tapes: string,
  runtime: Runtime,
): Promise<{ word: Outcome; reason: string; report: PairReport | null }> {
  const request: PairCheckRequest = {
    ...unit,
    guide,
    base: { model: starterPath("storybook") },
    evaluators: [evaluator],
    prompts,
    pictures: firstLook.prompts,
    before: null,
    domain: null,
    kept: { folder: tapes, key: JSON.stringify(unit), evaluators: [evaluator] },
    memory: null,
  };
  try {
    const report = await checkPair(request, runtime, async () => {});
    return { word: report.verdict, reason: report.reasons.join(" "), report };
  } catch (failure) {
    if (!(failure instanceof AppError)) throw failure;
    return { word: "refused", reason: failure.message, report: null };
  }
}

const useless: readonly Outcome[] = ["incompatible", "inconclusive"];
const known: readonly Outcome[] = ["verified", "usable with limits", "inconclusive"];
/** Nobody rendered what these draw: what is read there counts as far as the hub measures that it is read well. */
const unknown: readonly Outcome[] = [...known, "not measured"];
const measuredHere = /hub measured itself|could not be measured|reads well enough in this style/;

async function casesIn(folder: string): Promise<Case[]> {
  const at = (name: string): string => join(folder, name);
  const random = mulberry32(7);
  const [storybook, neon, watercolor] = [unitOf("storybook"), unitOf("neon"), unitOf("watercolor")];
  const painted = await unetOf("watercolor");
  const model = async (name: string, change: (tensors: Tensors) => void, file?: string): Promise<Unit> => ({
    model: await changedModel("storybook", at(name), change, file),
    lowRank: [],
  });
  const guide = (name: string, change: (tensors: Tensors, metadata: Map<string, string>) => void): Promise<string> =>
    changedFile(tiny, at(`${name}.safetensors`), change);

  const renamed = at("pencil.safetensors");
  await copyFile(neon.lowRank[0]!.path, renamed);
  const copy = at("not-watercolor");
  await cp(watercolor.model, copy, { recursive: true });
  const scheduled = at("v-prediction");
  await cp(storybook.model, scheduled, { recursive: true });
  const scheduler = join(scheduled, "scheduler/scheduler_config.json");
  const { default: config } = (await import(starterPath("storybook/scheduler/scheduler_config.json"), {
    with: { type: "json" },
  })) as { default: object };
  await writeFile(scheduler, JSON.stringify({ ...config, prediction_type: "v_prediction" }));

  return [
    { name: "as it is: storybook", unit: storybook, guide: tiny, truth: known },
    { name: "as it is: neon", unit: neon, guide: tiny, truth: known },
    { name: "as it is: watercolor", unit: watercolor, guide: tiny, truth: known },
    {
      name: "a merge of two",
      unit: await model("merge", (tensors) => combine(tensors, [painted], (a, b) => (a + b) / 2)),
      guide: tiny,
      truth: unknown,
      says: measuredHere,
    },
    {
      name: "an over-long fine-tune (× 2.5)",
      unit: await model("extrapolated", (tensors) => combine(tensors, [painted], (a, b) => a + 2.5 * (b - a))),
      guide: tiny,
      truth: [...unknown, "incompatible"],
    },
    {
      name: "re-initialised weights",
      unit: await model("random", (tensors) => combine(tensors, [], () => (random() - 0.5) / 10)),
      guide: tiny,
      truth: ["incompatible"],
      says: /unrelated to the base: .* furthest /,
    },
    {
      name: "a permuted twin",
      unit: await model("twin", (tensors) => permuteBlocks(tensors, 16, random)),
      guide: tiny,
      truth: known, // the same function as storybook: its style is read as well as that
      says: /hub measured itself/,
    },
    {
      name: "a scheduler that claims v-prediction",
      unit: { model: scheduled, lowRank: [] },
      guide: tiny,
      truth: ["incompatible"],
      says: /prediction type: made for epsilon, the model has v_prediction/,
    },
    {
      name: "another clip skip",
      unit: await model("clip-skip", skipLastLayer, "text_encoder/model.safetensors"),
      guide: tiny,
      truth: known,
    },
    {
      name: "a model with a NaN",
      unit: await model("nan", (tensors) => void (tensors.get("mid_block.resnets.0.conv1.weight")!.data[5] = NaN)),
      guide: tiny,
      truth: ["incompatible", "refused"],
      says: /model itself|mid_block\.resnets\.0\.conv1\.weight/,
    },
    {
      name: "a guide with a NaN",
      unit: neon,
      guide: await guide("nan-guide", (tensors) => void (tensors.get("conv_in.weight")!.data[5] = NaN)),
      truth: ["incompatible", "refused"],
      says: /with the guide|conv_in\.weight/,
    },
    {
      name: "a corrupted tensor",
      unit: await model("corrupt", (tensors) => {
        const { data } = tensors.get("conv_out.weight")!;
        data.forEach((_value, i) => (data[i] = random() - 0.5));
      }),
      guide: tiny,
      truth: [...useless, "not measured"],
    },
    {
      name: "a model that reads no prompt",
      unit: await model("deaf", (tensors) => {
        for (const [name, { data }] of tensors) if (name.includes("attn2.to_out.0")) data.fill(0);
      }),
      guide: tiny,
      truth: [...useless, "not measured"],
    },
    {
      name: "a renamed file",
      unit: { ...neon, lowRank: [{ path: renamed, strength: 1 }] },
      guide: tiny,
      truth: known,
      sameAs: "as it is: neon",
    },
    {
      name: "an exact duplicate",
      unit: { ...watercolor, model: copy },
      guide: tiny,
      truth: known,
      sameAs: "as it is: watercolor",
    },
    {
      name: "a LoRA at strength 0",
      unit: { ...neon, lowRank: [{ path: neon.lowRank[0]!.path, strength: 0 }] },
      guide: tiny,
      truth: known,
      sameAs: "as it is: storybook",
    },
    {
      name: "a zero guide",
      unit: neon,
      guide: await guide("zero", (tensors) => combine(tensors, [], () => 0)),
      truth: ["incompatible"],
      says: /adds nothing/,
    },
    {
      name: "a shuffled guide",
      unit: neon,
      guide: await guide("shuffled", (tensors) => {
        for (const { data } of tensors.values()) data.set(shuffled([...data], random));
      }),
      truth: useless,
    },
    {
      name: "a guide made for stronger guidance",
      unit: neon,
      guide: await guide("strong", (_tensors, metadata) => void metadata.set("w_min", "6.0")),
      truth: known,
    },
    {
      name: "an over-guiding guide (× 3)",
      unit: neon,
      guide: await guide("over", (tensors) => {
        for (const [name, { data }] of tensors) if (isOutput(name)) data.forEach((value, i) => (data[i] = 3 * value));
      }),
      truth: [...useless, "usable with limits"],
    },
  ];
}

/** What a guide hands to its base. */
const isOutput = (name: string): boolean => name.startsWith("zero_convs.");

/** The last layer adds nothing to what it is given: as if the one before it were the last. */
function skipLastLayer(tensors: Tensors): void {
  const layers = [...tensors.keys()].flatMap((name) => /encoder\.layers\.(\d+)\./.exec(name)?.[1] ?? []);
  const last = Math.max(...layers.map(Number));
  for (const [name, { data }] of tensors)
    if (new RegExp(`encoder\\.layers\\.${last}\\.(self_attn\\.out_proj|mlp\\.fc2)\\.`).test(name)) data.fill(0);
}
