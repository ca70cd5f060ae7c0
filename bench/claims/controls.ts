import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "#lib/errors.ts";
import { checkPair, type PairCheckRequest } from "#lib/measure/pair-check.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { starterPath } from "../starter-path.ts";
import { evaluator } from "../verdicts/styles.ts";
import { changedFile, changedModel, combine, shuffled, type Tensors } from "../verdicts/weights.ts";
import { permuteStreams, type Shape } from "./permuted-twin.ts";

/** Something that must come out bad, and what came out. */
export interface Control {
  readonly name: string;
  /** A word of the verdict, or “refused”. */
  readonly verdict: string;
  readonly recovered: number | null;
  readonly conditional: number | null;
  readonly reason: string;
  /** Ruled out, or not taken at all. */
  readonly isBad: boolean;
}

interface Case {
  readonly name: string;
  readonly model: string;
  /** Which style the model draws: where CFG adds much, what a guide lacks is seen at once. */
  readonly style: "storybook" | "watercolor";
  readonly guide: string;
  /** Whether it takes pictures to see. */
  readonly draws?: boolean;
}

/** The first of them is no control: the pair as it is, beside which the others stand. */
export const AS_IT_IS = "the guide as it is";
/** A good base and guide, spoilt in one way each. `quick`: only those that show it before a picture is drawn. */
export async function measureControls(guide: string, quick: boolean, runtime: Runtime): Promise<Control[]> {
  const folder = await mkdtemp(join(tmpdir(), "claims-"));
  try {
    const found: Control[] = [];
    const cases = await casesIn(folder, guide);
    for (const one of quick ? cases.filter(({ draws }) => !draws) : cases) found.push(await measure(one, runtime));
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function casesIn(folder: string, guide: string): Promise<Case[]> {
  const at = (name: string): string => join(folder, name);
  const base = starterPath("storybook");
  const painted = { model: starterPath("watercolor"), style: "watercolor" } as const;
  const config = JSON.parse(await readFile(join(base, "unet/config.json"), "utf8")) as Shape;
  const random = mulberry32(11);
  const otherModel = (name: string, change: (tensors: Tensors) => void): Promise<string> =>
    changedModel("storybook", at(name), change);
  const otherGuide = (name: string, change: (tensors: Tensors) => void): Promise<string> =>
    changedFile(guide, at(`${name}.safetensors`), change);
  const shuffle = (tensors: Tensors): void => {
    for (const { data } of tensors.values()) data.set(shuffled([...data], random));
  };
  return [
    { name: AS_IT_IS, ...painted, guide, draws: true },
    {
      name: "a permuted twin of the base",
      model: await otherModel("twin", (tensors) => permuteStreams(tensors, config, random)),
      style: "storybook",
      guide,
    },
    {
      name: "re-initialised weights",
      model: await otherModel("random", (tensors) => combine(tensors, [], () => (random() - 0.5) / 10)),
      style: "storybook",
      guide,
    },
    { name: "a v-prediction claim", model: await claimsVelocity(base, at("velocity")), style: "storybook", guide },
    {
      name: "a shuffled guide",
      ...painted,
      guide: await otherGuide("shuffled", shuffle),
    },
    {
      // Shuffling it leaves guide-tiny R = 0.83 [0.44, 1.10] on neon (n = 48): that residuals grow with w the gate sees to.
      name: "a wrong w embedding",
      ...painted,
      guide: await otherGuide("embedding", swapEmbeddings),
    },
    {
      name: "w gated as for another reference (w_ref 1.5 for 5)",
      ...painted,
      draws: true,
      guide: await changedFile(
        guide,
        at("gate.safetensors"),
        (_tensors, metadata) => void metadata.set("w_ref", "1.5"),
      ),
    },
    { name: "a zero guide", ...painted, guide: await otherGuide("zero", (tensors) => combine(tensors, [], () => 0)) },
  ];
}

/** What learnt to read the guidance reads the timestep, and the other way round. */
function swapEmbeddings(tensors: Tensors): void {
  for (const [name, { data }] of tensors) {
    if (!name.startsWith("guidance_embedding.")) continue;
    const other = tensors.get(name.replace("guidance_", "time_"))!.data;
    const own = data.slice();
    data.set(other);
    other.set(own);
  }
}

async function claimsVelocity(base: string, to: string): Promise<string> {
  await cp(base, to, { recursive: true });
  const path = join(to, "scheduler/scheduler_config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...config, prediction_type: "v_prediction" }));
  return to;
}

/** The style is named: what is asked is whether the guide does anything, not whether the style is known by its bytes. */
async function measure({ name, model, style, guide }: Case, runtime: Runtime): Promise<Control> {
  const request: PairCheckRequest = {
    model,
    lowRank: [],
    guide,
    base: { model: starterPath("storybook") },
    evaluators: [evaluator],
    prompts: null,
    draw: { key: "controls", agreementSeed: 99, pictureSeed: 4712 },
    pictures: firstLook.prompts,
    before: null,
    domain: style,
    kept: null,
    memory: null,
  };
  try {
    const { verdict, reasons, evidence } = await checkPair(request, runtime, async () => {});
    const { fidelity } = evidence;
    return {
      name,
      verdict,
      recovered: fidelity?.recovered?.value ?? null,
      conditional: fidelity?.conditional.value ?? null,
      reason: reasons[0] ?? "",
      isBad: verdict === "incompatible",
    };
  } catch (failure) {
    if (!(failure instanceof AppError)) throw failure;
    return { name, verdict: "refused", recovered: null, conditional: null, reason: failure.message, isBad: true };
  }
}
