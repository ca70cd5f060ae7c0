import { basename, join } from "node:path";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { signatureOf, usedFiles } from "#lib/diffusion/model-files.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import type { AppError } from "#lib/errors.ts";
import type { Metadata } from "#lib/inspection/facts.ts";
import { blank, type Inspection } from "#lib/inspection/inspection.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { requireLowRankFits } from "#lib/inspection/low-rank-fit.ts";
import { sentenceOf } from "#lib/inspection/sentence.ts";
import { measureLineage } from "#lib/measure/lineage.ts";
import { readJson } from "#lib/util/read-json.ts";
import { readAdapter } from "#lib/weights/adapters/read-adapter.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { readComponentWeights } from "#lib/weights/weights-file.ts";
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
  const shown = {
    ...inspection,
    problems: inspection.problems.map(cut),
    metadata: shortened(inspection.metadata),
    parts: inspection.parts.map((part) => ({ ...part, metadata: shortened(part.metadata) })),
  };
  return { type: "inspected", inspection: shown, ...(await partsOf(folder, inspection)) };
}

async function partsOf(
  folder: string,
  { name, kind, runs, guide }: Inspection,
): Promise<Pick<ResultOf<InspectJob>, "signature" | "files">> {
  const within = (shown: string): string => shown.slice(basename(folder).length + 1); // messages call a file «folder/path»
  if (kind !== "diffusers folder")
    return {
      signature: runs ? (guide?.base ?? null) : null,
      files: name.endsWith(".safetensors") ? [{ role: kind, path: within(name) }] : [],
    };
  if (!runs) return { signature: null, files: [] };
  const model = await openModel(folder);
  const files = usedFiles({ model, lowRank: [], guide: null, embeddings: [] });
  return {
    signature: signatureOf(model),
    files: files.map(({ role, name: shown }) => ({ role, path: within(shown) })),
  };
}

/** Which of some bases a fine-tune may have been made from: a low-rank file by its shapes, a whole model by its weights. */
export async function compareWithBases({ fineTune, bases }: KinshipJob, report: Report): Promise<ResultOf<KinshipJob>> {
  const compare = "lowRank" in fineTune ? byShapes(fineTune.lowRank) : byWeights(fineTune.model);
  const compared: ResultOf<KinshipJob>["bases"] = [];
  for (const { id, folder } of bases) {
    const found = await compare(folder).catch(sentenceOf);
    compared.push(
      typeof found === "string"
        ? { id, mismatch: found, medianCosine: null }
        : { id, mismatch: null, medianCosine: found },
    );
    await report({ stage: "comparing", done: compared.length, total: bases.length });
  }
  return { type: "compared", bases: compared };
}

/** The middle cosine, where weights are compared. @throws AppError that says why a base is none */
type Compare = (base: string) => Promise<number | null>;

function byShapes(path: string): Compare {
  return async (base) => {
    const json = (part: string): Promise<unknown> =>
      readJson(join(base, part, "config.json"), `${basename(base)}/${part}/config.json`);
    const unet = parseUNetConfig(await json("unet"), "unet/config.json");
    const textEncoders = [parseTextEncoderConfig(await json("text_encoder"), "text_encoder/config.json")];
    if (unet.added)
      textEncoders.push(parseTextEncoderConfig(await json("text_encoder_2"), "text_encoder_2/config.json"));
    requireLowRankFits(await readAdapter(path, 1), { unet, textEncoders });
    return null;
  };
}

function byWeights(model: string): Compare {
  const unetOf = async (folder: string): Promise<WeightMap> => {
    const own = diskFolder(folder).folder("unet");
    return new WeightMap(own.name, await readComponentWeights(own, "diffusion_pytorch_model"));
  };
  return async (folder) => {
    const [base, fineTune] = [await unetOf(folder), await unetOf(model)];
    return (await measureLineage({ base, fineTune, lowRank: [], guideNamesThisBase: false }, async () => {}))
      .medianCosine;
  };
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
