import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { parseTextEncoderConfig, parseUNetConfig, parseVaeConfig } from "#lib/diffusion/config.ts";
import { readJson } from "#lib/util/read-json.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { empty } from "./describe.ts";
import { amountOf, type Inspection, mergedTensors, sortedMetadata } from "./facts.ts";
import { familyOf } from "./family.ts";
import { recognise } from "./kind.ts";
import { predictionOf } from "./prediction.ts";
import { sentenceOf } from "./sentence.ts";
import { textEncoderProblems, unetProblems, vaeProblems } from "./whole.ts";

/** A folder with a config.json and weights: one network of a model, and whether its weights are those that its config calls for. */
export async function inspectComponent(path: string, names: readonly string[]): Promise<Inspection> {
  const name = basename(path);
  const stem = names.some((file) => file.startsWith("diffusion_pytorch_model")) ? "diffusion_pytorch_model" : "model";
  const files = await readComponentWeights(path, stem, name);
  const tensors = mergedTensors(files);
  const metadata = new Map(files.flatMap(({ header }) => [...header.metadata]));
  const json = await readJson(join(path, "config.json"), `${name}/config.json`);
  const { kind } = recognise(tensors);
  const whole = await stat(join(dirname(path), "model_index.json")).catch(() => null);
  return {
    ...empty,
    name,
    kind: "component folder",
    form: [kind, ...classOf(json)].join(", "),
    family: familyOf(tensors)?.name ?? null,
    ...amountOf(tensors),
    prediction: kind === "unet" ? predictionOf(metadata, tensors) : null,
    whatRuns: `nothing runs one component alone; ${whole ? `give the folder above, ${basename(dirname(path))}` : "give a diffusers folder that it is a part of"}`,
    problems: problemsOf(kind, json, { what: name, files }),
    metadata: sortedMetadata(metadata),
  };
}

const configJson = z.looseObject({ _class_name: z.string().max(200).optional(), architectures: z.array(z.string().max(200)).max(8).optional() });

function classOf(json: unknown): string[] {
  const config = configJson.safeParse(json).data;
  return config?._class_name ? [config._class_name] : (config?.architectures ?? []);
}

function problemsOf(kind: string, json: unknown, network: { what: string; files: readonly WeightsFile[] }): string[] {
  const file = `${network.what}/config.json`;
  try {
    if (kind === "unet") return unetProblems({ ...network, config: parseUNetConfig(json, file) });
    if (kind === "text encoder") return textEncoderProblems({ ...network, config: parseTextEncoderConfig(json, file) });
    if (kind === "vae") return vaeProblems({ ...network, config: parseVaeConfig(json, file) });
    return [];
  } catch (failure) {
    return [sentenceOf(failure)];
  }
}
