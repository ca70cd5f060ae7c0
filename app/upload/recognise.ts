import { requireDistinct } from "#lib/catalog/trees/distinct.ts";
import { withArticle } from "#lib/util/with-article.ts";
import { AppError } from "#lib/errors.ts";
import { toCount, toPlural } from "../_page/units.ts";
import { type Chosen, type ChosenFile, MAX_FILES } from "./dropped-files.ts";
import { amountOf, type FileFacts, readChosen, type WeightsFacts } from "./read-file.ts";

/** A base of this hub, by what makes it one: the sha256 of its files, and the shape of its network. */
export interface KnownBase {
  readonly name: string;
  readonly files: readonly string[];
  readonly channels: readonly number[] | null;
  readonly textWidth: number | null;
}

export interface Recognised {
  readonly files: readonly FileFacts[];
  /** What all of it is, in a sentence. */
  readonly sentence: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What it might be called: as its folder, or as the file that says what it is. */
  readonly name: string;
  /** The kind of repo that it belongs in; null where nothing says. */
  readonly kind: "finetune" | "guide" | "base" | "evaluator" | null;
  /** The base that it names by its sha256, if it is on this hub: certain. */
  readonly base: string | null;
  /** What to know before sending it all the same. */
  readonly notes: readonly string[];
  /** Why nothing of it can be sent. */
  readonly problem: string | null;
}

const READ_AT_ONCE = 8;

/** Says what was chosen, and what is wrong with it, from headers and names alone: it happens in the browser, before a byte is sent. */
export async function recognise(chosen: Chosen, bases: readonly KnownBase[]): Promise<Recognised> {
  if (chosen.files.length > MAX_FILES)
    return {
      files: [],
      sentence: `${chosen.name || "This"} holds more than ${toCount(MAX_FILES)} files.`,
      name: chosen.name,
      facts: [],
      kind: null,
      base: null,
      notes: [],
      problem: `A repo holds at most ${toCount(MAX_FILES)} files; choose the folder of the model itself.`,
    };
  const files: FileFacts[] = [];
  for (let at = 0; at < chosen.files.length; at += READ_AT_ONCE)
    files.push(...(await Promise.all(chosen.files.slice(at, at + READ_AT_ONCE).map(readChosen))));
  const leftOut =
    chosen.leftOut > 0
      ? [`${toPlural(chosen.leftOut, "file")} of the system or of git ${chosen.leftOut === 1 ? "is" : "are"} left out.`]
      : [];
  const index = chosen.files.find(({ path }) => path === "model_index.json");
  const whole = index ? await diffusersFolder(chosen, files, index, bases) : ofFiles(chosen, files, bases);
  return { ...whole, files, notes: [...whole.notes, ...leftOut], problem: distinctProblem(chosen.files) };
}

type Whole = Omit<Recognised, "files" | "problem">;

async function diffusersFolder(
  { name }: Chosen,
  files: readonly FileFacts[],
  { file }: ChosenFile,
  bases: readonly KnownBase[],
): Promise<Whole> {
  const { form, named } = await readIndex(file);
  const weights = files.flatMap(({ path, weights: of }) =>
    of ? [{ folder: path.slice(0, Math.max(0, path.lastIndexOf("/"))), of }] : [],
  );
  const parts = [...Map.groupBy(weights, ({ folder }) => folder)].map(
    ([folder, all]) => [folder || "beside model_index.json", amountOf(together(all.map(({ of }) => of)))] as const,
  );
  const missing = named.filter((part) => !files.some(({ path }) => path.startsWith(`${part}/`)));
  const unet = weights.find(({ folder, of }) => folder === "unet" && of.kind === "unet")?.of;
  const fits = unet ? basesThatFit(unet, bases) : [];
  const isBase = unet?.fit !== undefined && unet.fit !== null && fits.length === 0;
  return {
    name,
    sentence: `${name || "This"} is a model in the diffusers layout with ${toPlural(weights.length, "weights file")}.`,
    facts: [
      ...(form ? [["pipeline", form] as const] : []),
      ...familyFact(unet),
      ...parts,
      [
        "base",
        isBase
          ? "no base of this hub has its shape: it may be a base itself"
          : `the hub finds it by the weights, once it has read them${shapes(fits)}`,
      ],
    ],
    kind: isBase ? "base" : "finetune",
    base: null,
    notes: [
      ...missing.map(
        (part) => `model_index.json names ${part}, and there is no folder of that name; without it nothing draws.`,
      ),
      ...(unet?.family?.runs === false
        ? [`Models of ${unet.family.name} do not run here; the hub stores it and says what it is.`]
        : []),
    ],
  };
}

/** What says what all of it is, whatever lies beside it. */
const telling: ReadonlySet<string> = new Set(["guide", "low-rank fine-tune", "CLIP"]);

function ofFiles({ name }: Chosen, files: readonly FileFacts[], bases: readonly KnownBase[]): Whole {
  const weights = files.flatMap((file) => (file.weights ? [file.weights] : []));
  const main = weights.find(({ kind }) => telling.has(kind)) ?? weights[0];
  if (!main) {
    const hasProblem = files.some(({ problem }) => problem !== null);
    return {
      sentence: `${name || "This"} has no weights ${hasProblem ? "that can be sent" : "in it; nothing here would run it"}.`,
      name,
      facts: [],
      kind: null,
      base: null,
      notes: [],
    };
  }
  const called = name || nameOf(files.find((file) => file.weights === main)!.path);
  const others =
    weights.length > 1 ? `, with ${toPlural(weights.length - 1, "more weights file", "more weights files")}` : "";
  const what = {
    sentence: `${called} is ${withArticle(main.kind)}${main.form ? ` (${main.form})` : ""}${others}.`,
    name: called,
    base: null,
    notes: [] as string[],
  };
  const facts: [string, string][] = [...familyFact(main), ["size", amountOf(main)]];
  if (main.kind === "guide") return { ...what, ...guide(main, facts, bases), kind: "guide" };
  if (main.kind === "evaluator" || main.kind === "CLIP")
    return { ...what, facts, kind: "evaluator", notes: main.kind === "CLIP" ? clipNotes(files) : [] };
  if (main.lowRank) {
    const { ranks, layers } = main.lowRank;
    const fits = basesThatFit(main, bases);
    const changes = Object.entries(layers).map(([network, count]) => `${toPlural(count, "layer")} of the ${network}`);
    facts.push(
      ["rank", ranks.length > 0 ? ranks.join(", ") : "not one number"],
      ["changes", changes.join(", ")],
      ["base", `the hub finds it by the layers, once it has read them${shapes(fits)}`],
    );
    const notes =
      main.family?.runs === false
        ? [`Fine-tunes of ${main.family.name} do not run here; the hub stores it and says what it is.`]
        : main.fit && fits.length === 0
          ? ["No base of this hub has its shape; upload its base too, else nothing can be drawn with it."]
          : [];
    return { ...what, facts, kind: "finetune", notes };
  }
  if (main.kind === "single-file checkpoint")
    return { ...what, ...checkpoint(main, files, bases, facts), notes: checkpointNotes(main, files, weights.length) };
  if (main.kind === "unknown")
    return {
      ...what,
      sentence: `${called} is not of a kind that is known here${others}.`,
      facts,
      kind: null,
      notes: ["The hub keeps it, and nothing here runs it."],
    };
  return {
    ...what,
    facts,
    kind: main.kind === "unet" ? "finetune" : null,
    notes: [notesOf[main.kind] ?? "Nothing here runs it alone."],
  };
}

const notesOf: Readonly<Record<string, string>> = {
  unet: "A UNet alone does not run; choose the diffusers folder that it is a part of.",
};

/** A CLIP is of use with all that transformers keeps beside its weights. */
function clipNotes(files: readonly FileFacts[]): string[] {
  const lacks = ["config.json", "preprocessor_config.json"].filter((name) => !files.some(({ path }) => path === name));
  return lacks.length === 0
    ? []
    : [`It lacks ${lacks.join(" and ")}, and reads no pictures without; choose the whole folder of the CLIPModel.`];
}

/** A whole model in one file: a base where none of this hub has its shape, else a fine-tune of one that has. */
function checkpoint(
  main: WeightsFacts,
  files: readonly FileFacts[],
  bases: readonly KnownBase[],
  facts: [string, string][],
): Pick<Whole, "facts" | "kind"> {
  const fits = basesThatFit(main, bases);
  const isBase = main.fit !== null && fits.length === 0;
  facts.push(
    ...(files.some(isConfig) ? [["configs", "lie beside it, and describe its networks"] as [string, string]] : []),
    [
      "base",
      isBase
        ? "no base of this hub has its shape: it may be a base itself"
        : `the hub finds it by the weights, once it has read them${shapes(fits)}`,
    ],
  );
  return { facts, kind: isBase ? "base" : "finetune" };
}

/** What keeps it from being drawn with, as far as its header tells. */
function checkpointNotes(main: WeightsFacts, files: readonly FileFacts[], count: number): string[] {
  const { family, checkpoint: file } = main;
  if (count > 1) return ["A repo of a single file holds that file alone at its top; give each a repo of its own."];
  if (family && !family.runs && !files.some(isConfig))
    return [`Models of ${family.name} do not run here; the hub stores it and says what it is.`];
  if (file && file.missing.length > 0)
    return [`It lacks ${file.missing.join(" and ")}, and is not drawn with; choose the whole checkpoint.`];
  if (file && !file.fitsConfigs && !files.some(isConfig))
    return [
      "No published config describes its UNet; put the configs of its parts beside it, as a diffusers folder has them.",
    ];
  return [];
}

const isConfig = ({ path }: FileFacts): boolean => path === "unet/config.json";

function guide(
  { metadata }: WeightsFacts,
  facts: [string, string][],
  bases: readonly KnownBase[],
): Pick<Whole, "facts" | "base" | "notes"> {
  const sha256 = metadata.get("base.sha256") ?? "";
  if (metadata.get("format") !== "guide/1" || !/^[0-9a-f]{64}$/.test(sha256))
    return {
      facts,
      base: null,
      notes: [
        "Its metadata is not that of a guide file (format guide/1 with base.sha256); the hub will say what is missing.",
      ],
    };
  const base = bases.find(({ files }) => files.includes(sha256))?.name ?? null;
  const [min, max, reference] = ["w_min", "w_max", "w_ref"].map((key) => Number(metadata.get(key)));
  facts.push(
    ["guidance", `${min} to ${max}, reference ${reference}`],
    ["base", base ? `${base}, which has the weights that it names` : `weights ${sha256.slice(0, 12)}`],
  );
  return {
    facts,
    base,
    notes: base
      ? []
      : [
          "It names base weights that no base you can see on this hub has; upload that base too, else nothing can be measured.",
        ],
  };
}

/** The index is text of a stranger: what is not as it should be is passed over, for the hub reads it again. */
async function readIndex(file: File): Promise<{ form: string | null; named: readonly string[] }> {
  try {
    const index = Object.entries(JSON.parse(await file.slice(0, 1e6).text()) as Record<string, unknown>);
    const form = index.find(([key]) => key === "_class_name")?.[1];
    return {
      form: typeof form === "string" ? form.slice(0, 80) : null,
      named: index
        .flatMap(([part, value]) =>
          /^[a-z][a-z0-9_]{0,40}$/.test(part) && Array.isArray(value) && value[0] !== null ? [part] : [],
        )
        .slice(0, 20),
    };
  } catch {
    return { form: null, named: [] };
  }
}

const basesThatFit = ({ fit }: WeightsFacts, bases: readonly KnownBase[]): string[] =>
  fit === null
    ? []
    : bases
        .filter(
          ({ channels, textWidth }) =>
            textWidth === fit.textWidth && (fit.channels === null || channels?.join() === fit.channels.join()),
        )
        .map(({ name }) => name);

const shapes = (fits: readonly string[]): string =>
  fits.length === 0
    ? ""
    : `; ${fits.length === 1 ? `${fits[0]} has` : `${fits.slice(0, 2).join(" and ")}${fits.length > 2 ? ` and ${fits.length - 2} more` : ""} have`} its shape`;
const familyFact = (weights: WeightsFacts | undefined): [string, string][] =>
  weights?.family ? [["family", weights.family.name]] : [];
/** As a repo of it would be called. */
const nameOf = (path: string): string =>
  path
    .split("/")
    .at(-1)!
    .replace(/\.safetensors$/i, "");

const together = (all: readonly WeightsFacts[]): Pick<WeightsFacts, "parameters" | "tensors" | "dtypes"> => ({
  parameters: all.reduce((sum, { parameters }) => sum + parameters, 0),
  tensors: all.reduce((sum, { tensors }) => sum + tensors, 0),
  dtypes: [...new Set(all.flatMap(({ dtypes }) => dtypes))],
});

/** @returns why these cannot lie side by side on any disk; null where they can */
function distinctProblem(files: readonly ChosenFile[]): string | null {
  try {
    requireDistinct(files.map(({ path }) => path));
    return null;
  } catch (cause) {
    if (cause instanceof AppError) return cause.message;
    throw cause;
  }
}
