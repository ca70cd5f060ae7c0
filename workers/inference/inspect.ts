import { readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { Model } from "#lib/diffusion/model.ts";
import { signatureOf, usedFiles } from "#lib/diffusion/model-files.ts";
import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { guideNeeds, modelNeeds } from "#lib/diffusion/needs.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import { ownSize, pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { costsOf } from "#lib/distill/costs.ts";
import type { AppError } from "#lib/errors.ts";
import { runningFamilies } from "#lib/families/all.ts";
import type { Metadata } from "#lib/inspection/facts.ts";
import { blank, type Inspection } from "#lib/inspection/inspection.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { type AdaptableBase, requireLowRankFits } from "#lib/inspection/low-rank-fit.ts";
import { sentenceOf } from "#lib/inspection/sentence.ts";
import { notAsItIs } from "#lib/inspection/what-runs.ts";
import { modelProblems } from "#lib/inspection/whole.ts";
import { rowsAtOnce } from "#lib/measure/rows-at-once.ts";
import { measureLineage } from "#lib/measure/lineage.ts";
import { readJson } from "#lib/util/read-json.ts";
import { readAdapter } from "#lib/weights/adapters/read-adapter.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
import { modelIn } from "#workers/files/model-in.ts";
import type { InspectJob, KinshipJob, Report, ResultOf } from "./messages.ts";

/** Says what a commit is, laid out as a folder. @throws malformed_weights for bytes that are not what their name says */
export async function inspect({ folder }: InspectJob): Promise<ResultOf<InspectJob>> {
  const inspection = await inspectPath(folder).catch((failure: unknown): Inspection => {
    const sentence = sentenceOf(failure);
    if ((failure as AppError).code === "malformed_weights") throw failure;
    return {
      ...blank,
      name: basename(folder),
      whatRuns: "nothing; the problem named here says why",
      problems: [sentence],
    };
  });
  const { inspection: found, ...opened } = await opening(folder, inspection);
  const shown = {
    ...found,
    problems: found.problems.map(cut),
    metadata: shortened(found.metadata),
    parts: found.parts.map((part) => ({ ...part, metadata: shortened(part.metadata) })),
  };
  return { type: "inspected", inspection: shown, ...opened };
}

/** At which it is worked out what a model needs, beside its own size: about as many as a hub draws at most, which is before VAEs go through tiles. */
const PIXELS = [256 ** 2, 512 ** 2, 768 ** 2, 1024 ** 2, 1216 ** 2];
/** The fewest and the most with which a pair is measured. */
const PICTURES = [32, 960];

type Opened = Omit<ResultOf<InspectJob>, "type">;

/** What is known once a commit was opened as a picture would be drawn with it. */
async function opening(folder: string, inspection: Inspection): Promise<Opened> {
  const { name, kind, runs, guide } = inspection;
  const withinFolder = (shown: string): string => shown.slice(basename(folder).length + 1); // “folder/path”
  if (kind === "single-file checkpoint") return openingFile(folder, inspection);
  if (kind === "CLIP folder")
    return {
      inspection,
      signature: null,
      nativeSize: null,
      needs: null,
      distilling: null,
      files: runs ? await clipFiles(folder) : [],
    };
  if (kind !== "diffusers folder")
    return {
      inspection,
      signature: runs ? (guide?.base ?? null) : null,
      nativeSize: null,
      needs: runs && guide ? await aboutGuide(join(folder, withinFolder(name))) : null,
      distilling: null,
      files: name.endsWith(".safetensors") ? [{ role: kind, path: withinFolder(name) }] : [],
    };
  if (!runs) return { inspection, signature: null, nativeSize: null, needs: null, distilling: null, files: [] };
  const model = await openModel(folder);
  const files = usedFiles({ model, lowRank: [], guide: null, embeddings: [] });
  return {
    inspection,
    ...aboutModel(model),
    files: files.map(({ role, name: shown }) => ({ role, path: withinFolder(shown) })),
  };
}

/** Its weights, and all beside them that decides what it makes of pictures and texts: that goes by its name. */
async function clipFiles(folder: string): Promise<Opened["files"]> {
  const weights = (await readComponentWeights(diskFolder(folder), "model")).map(({ name }) => basename(name));
  const settings = (await readdir(folder)).filter((name) => CLIP_SETTINGS.test(name)).toSorted();
  return [...weights.map((path) => ({ role: "clip", path })), ...settings.map((path) => ({ role: path, path }))];
}

const CLIP_SETTINGS =
  /^(config|preprocessor_config|tokenizer|vocab|tokenizer_config|special_tokens_map|added_tokens)\.json$|^merges\.txt$/;

/** A checkpoint in one file, with the configs beside it where it brings any: those decide whether it runs. */
async function openingFile(folder: string, inspection: Inspection): Promise<Opened> {
  const { model: path, config } = await modelIn(folder);
  const main = { role: "checkpoint", path: basename(path) };
  const unopened = { signature: null, nativeSize: null, needs: null, distilling: null, files: [main] };
  if (!inspection.runs && config === null) return { inspection, ...unopened };
  try {
    const model = await openModel(path, config);
    const { weights, together } = await modelProblems(model);
    const problems = [...weights, ...together];
    const weightsFitConfig = weights.length === 0;
    if (problems.length > 0) return { inspection: notRunning(inspection, problems, weightsFitConfig), ...unopened };
    const beside = model.settings.map(({ role, path: at }) => ({ role, path: relative(folder, at) }));
    const found = { ...inspection, weightsFitConfig, runs: true, whatRuns: "sample and check run it" };
    return { inspection: found, ...aboutModel(model), files: [main, ...beside] };
  } catch (failure) {
    return { inspection: notRunning(inspection, [sentenceOf(failure)], null), ...unopened };
  }
}

const notRunning = (
  inspection: Inspection,
  problems: readonly string[],
  weightsFitConfig: boolean | null,
): Inspection => ({
  ...inspection,
  weightsFitConfig,
  runs: false,
  whatRuns: notAsItIs,
  problems: [...inspection.problems, ...problems],
});

const aboutModel = (model: Model): Pick<Opened, "signature" | "nativeSize" | "needs" | "distilling"> => ({
  signature: signatureOf(model),
  nativeSize: pictureSizeOf(model, ownSize(model)),
  needs: modelNeeds(model, {
    pixels: PIXELS,
    pictures: PICTURES,
    rows: rowsAtOnce(model.unet.weights.parameters),
  }),
  distilling: costsOf(model),
});

/** A guide has none of a model's: it is measured and drawn beside one. */
const aboutGuide = async (path: string): Promise<Opened["needs"]> => ({
  drawing: guideNeeds(await readGuideFile(path), PIXELS),
  merging: 0,
  measuring: [],
  measuringPixels: 0,
});

/** Which of some bases a fine-tune may have been made from: a low-rank file by its shapes, a whole model by its weights. */
export async function compareWithBases({ fineTune, bases }: KinshipJob, report: Report): Promise<ResultOf<KinshipJob>> {
  const compare = "lowRank" in fineTune ? byShapes(fineTune.lowRank) : byWeights(fineTune.model);
  const compared: ResultOf<KinshipJob>["bases"] = [];
  for (const base of bases) {
    const { id } = base;
    const found = await compare(base).catch(sentenceOf);
    compared.push(
      typeof found === "string"
        ? { id, mismatch: found, medianCosine: null }
        : { id, mismatch: null, medianCosine: found },
    );
    await report({ stage: "comparing", done: compared.length, total: bases.length });
  }
  return { type: "compared", bases: compared };
}

type Base = KinshipJob["bases"][number];

/** The middle cosine, where weights are compared. @throws AppError that says why a base is none */
type Compare = (base: Base) => Promise<number | null>;

function byShapes(path: string): Compare {
  return async (base) => {
    requireLowRankFits(await readAdapter(path, 1), await adaptableBase(base));
    return null;
  };
}

/** The configs of a base, from its settings alone: those that lie in its folder, else those its family came with. */
async function adaptableBase({ folder, family }: Base): Promise<AdaptableBase> {
  const { model, config } = await modelIn(folder);
  const published = runningFamilies.find(({ name }) => name === family)?.variants[0].configs ?? null;
  const isPublished = model !== folder && config === null && published !== null;
  const json = async (part: "unet" | "text_encoder" | "text_encoder_2"): Promise<unknown> =>
    isPublished
      ? published[part]
      : readJson(join(folder, part, "config.json"), `${basename(folder)}/${part}/config.json`);
  const unet = parseUNetConfig(await json("unet"), "unet/config.json");
  const textEncoders = [parseTextEncoderConfig(await json("text_encoder"), "text_encoder/config.json")];
  if (unet.added) textEncoders.push(parseTextEncoderConfig(await json("text_encoder_2"), "text_encoder_2/config.json"));
  return { unet, textEncoders };
}

function byWeights(model: string): Compare {
  return async ({ folder }) => {
    const [base, fineTune] = [await unetOf(folder), await unetOf(model)];
    return (await measureLineage({ base, fineTune, lowRank: [], guideNamesThisBase: false }, async () => {}))
      .medianCosine;
  };
}

/** The tensors of a commit's UNet under our names, in whichever layout. Of a diffusers folder nothing else is there. */
async function unetOf(folder: string): Promise<WeightMap> {
  const { model, config } = await modelIn(folder);
  if (model !== folder) return (await openModel(model, config)).unet.weights;
  const own = diskFolder(folder).folder("unet");
  return new WeightMap(own.name, await readComponentWeights(own, "diffusion_pytorch_model"));
}

const MAX_KEYS = 200;
const MAX_CHARACTERS = 2000;

/** Metadata is text of strangers, up to the 16 MB of a header; as much of it is kept as people read. */
const shortened = (metadata: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(metadata)
      .slice(0, MAX_KEYS)
      .map(([key, value]) => [key.slice(0, 200), cut(value)]),
  );
const cut = (text: string): string => (text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text);
