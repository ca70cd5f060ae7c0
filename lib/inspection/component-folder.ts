import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { predictionOf } from "#lib/families/prediction.ts";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { readJsonIn } from "#lib/weights/folder.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { amountOf, mergedMetadata, mergedTensors } from "./facts.ts";
import { blank, type Inspection } from "./inspection.ts";
import { inspectClip } from "./clip-folder.ts";
import { familyOf } from "./family.ts";
import { type FileKind, recognise } from "./kind.ts";
import { sentenceOf } from "./sentence.ts";
import { textEncoderProblems, unetProblems, vaeProblems } from "./whole.ts";

/**
 * A folder with a config.json and weights `stem.safetensors`: one network of a model, and whether its weights are
 * those that its config calls for.
 */
export async function inspectComponent(path: string, stem: string): Promise<Inspection> {
  const name = basename(path);
  const folder = diskFolder(path);
  const files = await readComponentWeights(folder, stem);
  const tensors = mergedTensors(files);
  const json = await readJsonIn(folder, "config.json");
  const { kind } = recognise(tensors);
  if (kind === "CLIP") return inspectClip(path, tensors);
  const metadata = mergedMetadata(files);
  const whole = await stat(join(dirname(path), "model_index.json")).catch(() => null);
  return {
    ...blank,
    name,
    kind: "component folder",
    form: [kind, ...classOf(json)].join(", "),
    family: familyOf(tensors)?.name ?? null,
    ...amountOf(tensors),
    prediction: kind === "unet" ? predictionOf(new Map(Object.entries(metadata)), tensors) : null,
    whatRuns: `nothing runs one component alone; ${whole ? `give the folder above, ${basename(dirname(path))}` : "give a diffusers folder that it is a part of"}`,
    ...compare(kind, json, { what: name, files }),
    metadata,
  };
}

const configJson = z.looseObject({
  _class_name: z.string().max(200).optional(),
  architectures: z.array(z.string().max(200)).max(8).optional(),
});

function classOf(json: unknown): string[] {
  const config = configJson.safeParse(json).data;
  return config?._class_name ? [config._class_name] : (config?.architectures ?? []);
}

interface Weights {
  readonly what: string;
  readonly files: readonly WeightsFile[];
}

/** Nothing is said of weights whose config is not one that runs here. */
function compare(kind: FileKind, json: unknown, weights: Weights): Pick<Inspection, "weightsFitConfig" | "problems"> {
  try {
    const problems = problemsOf(kind, json, weights);
    return { weightsFitConfig: problems && problems.length === 0, problems: problems ?? [] };
  } catch (failure) {
    return { weightsFitConfig: null, problems: [sentenceOf(failure)] };
  }
}

function problemsOf(kind: FileKind, json: unknown, weights: Weights): string[] | null {
  const file = `${weights.what}/config.json`;
  switch (kind) {
    case "unet":
      return unetProblems({ ...weights, config: parseUNetConfig(json, file) });
    case "text encoder":
      return textEncoderProblems({ ...weights, config: parseTextEncoderConfig(json, file) });
    case "vae":
      return vaeProblems({ ...weights, config: parseVaeConfig(json, file) });
    default:
      return null;
  }
}
