import { namesOfRunning, runningFamilies } from "./all.ts";
import type { UNetFamily } from "./family.ts";
import { otherFamilies, otherPipelines } from "./other-families.ts";

/** What a diffusers folder is by its `model_index.json`: the class of its pipeline and the parts that it lists. */
export interface PipelineFacts {
  /** As people call the model; null where the class is not known. */
  readonly name: string | null;
  /** Why nothing here draws with it, as the end of a sentence; null where it runs. */
  readonly whyNot: string | null;
  /** Whether its networks are those of another family than the ones that run. */
  readonly isOther: boolean;
}

/** Parts that a folder may have, need not have, and that nothing here asks for. */
export const optionalParts: ReadonlySet<string> = new Set(["safety_checker", "feature_extractor", "image_encoder"]);

const knownParts: ReadonlySet<string> = new Set([
  "unet",
  "vae",
  "scheduler",
  "text_encoder",
  "text_encoder_2",
  "tokenizer",
  "tokenizer_2",
  ...optionalParts,
]);

/** An entry [library, class] of an index. */
export interface PipelinePart {
  readonly name: string;
  readonly library: string;
  readonly type: string;
}

/**
 * What an index lists; a part that the folder does without is [null, null]. Names are checked, for they become paths.
 */
export function pipelineParts(index: Readonly<Record<string, unknown>>): PipelinePart[] {
  return Object.entries(index).flatMap(([name, value]): PipelinePart[] => {
    const [library, type, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : [];
    const isPart = typeof library === "string" && typeof type === "string" && more.length === 0;
    return isPart && /^\w{1,60}$/.test(name) ? [{ name, library, type }] : [];
  });
}

/** @param parts the names of the components that its index lists and that are not null */
export function pipelineFacts(className: string, parts: readonly string[]): PipelineFacts {
  const families = runningFamilies.filter(({ pipelines }) => pipelines.includes(className));
  const name = families.length > 0 ? namesOf(families) : otherName(className);
  const control = parts.find((part) => /controlnet/i.test(part)) ?? (/controlnet/i.test(className) ? "ControlNet" : "");
  const isOther = families.length === 0 && !runningFamilies.some((family) => name?.includes(family.name));
  if (control) return { name, whyNot: "it draws with a ControlNet, and those do not run here", isOther };
  if (families.length === 0) {
    const other = longest(className);
    return { name, whyNot: other?.whyNot || `only pipelines of ${namesOfRunning} do`, isOther };
  }
  const extra = parts.find((part) => !knownParts.has(part));
  return {
    name,
    whyNot: extra === undefined ? null : `its index lists ${extra}, a part that nothing here runs`,
    isOther,
  };
}

/** The folders of the text encoders of a pipeline that runs, in the order of its family; null for any other. */
export function textEncoderFolders(className: string): readonly string[] | null {
  const family = runningFamilies.find(({ pipelines }) => pipelines.includes(className));
  return family ? family.textEncoders.map(({ folder }) => folder) : null;
}

/**
 * Why a folder is not drawn with, in a sentence that names it; null where its pipeline runs.
 * @param folder how messages name it
 */
export function pipelineRefusal(folder: string, className: string, parts: readonly string[]): string | null {
  const { name, whyNot } = pipelineFacts(className, parts);
  if (whyNot === null) return null;
  const what = name === null ? `a pipeline ${className}` : `${name} (${className})`;
  return `${folder} is ${what}, which does not run here: ${whyNot}; give a folder of ${namesOfRunning}.`;
}

const otherName = (className: string): string | null => longest(className)?.name ?? null;

/** The family or the pipeline whose name begins as the class does, by the longest of such beginnings. */
function longest(className: string): { name: string; whyNot: string } | null {
  const plain = className.split(/Control[Nn]et/, 1)[0]!;
  const beginnings = [
    ...otherFamilies.flatMap(({ name, whyNot, pipelines }) => pipelines.map((begins) => ({ name, whyNot, begins }))),
    ...otherPipelines,
  ].filter(({ begins }) => className.startsWith(begins));
  const [found] = beginnings.toSorted((a, b) => b.begins.length - a.begins.length);
  if (found) return { name: found.name, whyNot: found.whyNot };
  const around = runningFamilies.filter(({ pipelines }) => pipelines.includes(`${plain}Pipeline`));
  return around.length > 0 ? { name: namesOf(around), whyNot: "" } : null;
}

const namesOf = (families: readonly UNetFamily[]): string => families.map(({ name }) => name).join(" or ");
