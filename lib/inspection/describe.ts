import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import type { FoundFamily } from "#lib/families/found-family.ts";
import { lineageOf } from "#lib/families/lineage.ts";
import { type Prediction, predictionOf, zeroTerminalSnrOf } from "#lib/families/prediction.ts";
import { recogniseAutoencoder } from "#lib/families/autoencoder.ts";
import { recogniseUNet } from "#lib/families/recognise-unet.ts";
import { shapeOfLayers, unetShape } from "#lib/families/unet-shape.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { acceleratorOf } from "./accelerator.ts";
import { inspectCheckpoint } from "./checkpoint.ts";
import { falseClaims } from "./claims.ts";
import { evaluatorFacts } from "./evaluator-facts.ts";
import { amountOf, partOf, sortedMetadata, type Tensors } from "./facts.ts";
import { adapterFits, embeddingFits, familyOfRecognised, type Fitting } from "./family.ts";
import { blank, type Inspection } from "./inspection.ts";
import { type FileKind, recognise, type Recognised } from "./kind.ts";
import { lowRankFacts, type LowRankValues } from "./low-rank-facts.ts";
import { networkOf } from "./low-rank-names.ts";
import { familyOfBases } from "./low-rank-shape.ts";
import { sentenceOf } from "./sentence.ts";
import { doesNotRun, networkRuns, notAlone, notAsItIs, singleFileRuns, type Verdict } from "./what-runs.ts";
import { guideProblems } from "./whole.ts";

/** What a description needs beside a header: some values in the file, and what lies next to it. */
export interface ReadValues extends LowRankValues {
  /** What the values of a tiny tensor tell of the prediction, where names and metadata do not. */
  readonly prediction: Prediction | null;
}

const nothingRead: ReadValues = { prediction: null, alphas: [], triggers: [] };

/** What a file is, by its header and what was read beside it. `name` is how messages name it. */
export function describeFile(file: WeightsFile, read: Partial<ReadValues> = {}): Inspection {
  const values = { ...nothingRead, ...read };
  const {
    name,
    header: { metadata, tensors },
  } = file;
  const recognised = recognise(tensors);
  const { kind, form } = recognised;
  const { found, ...description } = describe(recognised, { name, file, values, ...file.header });
  const families = description.families ?? (found && found.id !== null ? [found.name] : []);
  return {
    ...blank,
    family: found?.name ?? null,
    lineage: models.has(kind) ? lineageOf(metadata) : null,
    zeroTerminalSnr: models.has(kind) ? zeroTerminalSnrOf(metadata, tensors) : null,
    ...description,
    families,
    name,
    kind,
    form,
    ...amountOf(tensors),
    problems: [...falseClaims(metadata, { kind, family: found, families }), ...(description.problems ?? [])],
    metadata: sortedMetadata(metadata),
  };
}

/** Kinds that were trained from a base, so that what is said of it matters. */
const models: ReadonlySet<FileKind> = new Set(["single-file checkpoint", "unet", "low-rank fine-tune"]);

interface Given {
  readonly name: string;
  readonly file: WeightsFile;
  readonly values: ReadValues;
  readonly tensors: Tensors;
  readonly metadata: ReadonlyMap<string, string>;
}
type Description = Partial<Omit<Inspection, "runs" | "whatRuns">> & Verdict & { readonly found: FoundFamily | null };

/** A describer that fails has found a file of its kind with a fault. */
function describe(recognised: Recognised, given: Given): Description {
  try {
    return describers[recognised.kind]({ ...given, recognised });
  } catch (failure) {
    return { found: null, problems: [sentenceOf(failure)], runs: false, whatRuns: notAsItIs };
  }
}

type Describer = (given: Given & { readonly recognised: Recognised }) => Description;

/** Of a network that is a part of models and is named by its own structure. */
const part =
  (what: string): Describer =>
  ({ recognised }) => ({ found: familyOfRecognised(recognised), ...notAlone(what) });

/** Of what is made for any of several families. */
const fitting = (fits: Fitting | null): Pick<Description, "found" | "families"> =>
  fits
    ? { found: { name: fits.name, id: null, runs: false, whyNot: null }, families: fits.families }
    : { found: null, families: [] };

/** Of what is named and has no place here. */
const stranger =
  (whatRuns: string): Describer =>
  ({ recognised }) => ({ found: familyOfRecognised(recognised), runs: false, whatRuns });

const describers: Readonly<Record<FileKind, Describer>> = {
  guide: describeGuide,
  evaluator: ({ file }) => ({
    found: null,
    evaluator: evaluatorFacts(file),
    runs: true,
    whatRuns: "use it with check --evaluator, on models whose latents are [4, 16, 16]",
  }),
  CLIP: stranger(
    "nothing by itself; check --evaluator takes the folder that it lies in, with its configs and tokenizer",
  ),
  "low-rank fine-tune": describeLowRank,
  "single-file checkpoint": describeCheckpoint,
  unet: describeUNet,
  "diffusion transformer": ({ recognised }) => {
    const found = familyOfRecognised(recognised)!;
    return { found, ...doesNotRun(found) };
  },
  "text encoder": part("a text encoder"),
  vae: ({ recognised }) => ({
    found: familyOfRecognised(recognised),
    families: recogniseAutoencoder(recognised.bare)!.families,
    ...notAlone("a VAE"),
  }),
  "vision encoder": stranger("nothing; models that read pictures do not run here"),
  controlnet: stranger("ControlNets do not run here; low-rank files and guides are what can be added to a base"),
  adapter: ({ recognised }) => ({
    ...fitting(adapterFits(recognised.bare)),
    runs: false,
    whatRuns: "adapters that read pictures do not run here; low-rank files can be added to a base",
  }),
  "motion module": stranger("motion modules make videos, and pictures are what is drawn here"),
  hypernetwork: stranger("hypernetworks do not run here; low-rank files can be added to a base"),
  upscaler: stranger("upscalers do not run here; sample draws larger pictures with --width and --height"),
  "safety checker": stranger("nothing; models run without their safety checker here"),
  scorer: stranger("nothing; check measures with its own evaluator"),
  embedding: ({ recognised }) => ({
    ...fitting(embeddingFits(recognised.bare)),
    runs: true,
    whatRuns: "add its words to a base of that text width with --embedding, and name them in the prompt",
  }),
  latents: ({ tensors }) => {
    const latents = tensors.get("latents")!.shape;
    return {
      found: null,
      latents,
      runs: true,
      whatRuns: `sample starts from its tensor "latents" with --latents, on a model of ${latents[1]} latent channels`,
    };
  },
  unknown: () => ({
    found: null,
    runs: false,
    whatRuns: "nothing; its tensors are not those of anything known here",
  }),
};

function describeUNet({ tensors, metadata, recognised }: Parameters<Describer>[0]): Description {
  const found = familyOfRecognised(recognised)!;
  return {
    found,
    prediction: predictionOf(metadata, tensors),
    steps: stepsOf(metadata, unetShape(recognised.bare).takesGuidance),
    ...networkRuns("a UNet", found),
  };
}

function describeGuide({ name, file, metadata }: Given): Description {
  const config = parseGuideConfig(metadata, name);
  const { channels, crossAttentionDim, inChannels, predictionType } = config.base;
  const base = recogniseUNet({ ...shapeOfLayers(crossAttentionDim, channels), inChannels });
  const problems = guideProblems({ what: name, files: [file], config });
  const fits = problems.length === 0;
  const use = `use it with --guide on a model whose UNet is ${channels.join("/")} with text width ${crossAttentionDim} and predicts ${predictionType}`;
  return {
    found: { ...base, name: `for ${base.name}` },
    families: base.id === null ? [] : [base.name],
    guide: config,
    prediction: { type: predictionType, from: 'metadata "prediction_type"' },
    weightsFitConfig: fits,
    runs: fits,
    whatRuns: fits ? use : notAsItIs,
    problems,
  };
}

function describeLowRank({ file, tensors, metadata, values }: Given): Description {
  const lowRank = lowRankFacts(file, values);
  const { bases, textWidth, accelerator } = lowRank;
  const found = familyOfBases(bases);
  const description = {
    found,
    families: bases.filter(({ id }) => id !== null).map(({ name }) => name),
    lowRank,
    prediction: predictionOf(metadata, tensors),
    steps: accelerator?.steps ?? null,
    parts: [...Map.groupBy(tensors, ([tensor]) => networkOf(tensor))].map(([network, entries]) =>
      partOf(network, new Map(entries)),
    ),
  };
  if (found && !found.runs) return { ...description, ...doesNotRun(found, `a fine-tune of ${found.name}`) };
  const fits =
    bases.length > 1
      ? `its shapes fit bases of ${found!.name}`
      : textWidth === null
        ? "its layers do not tell how wide the text states of its base must be"
        : `its shapes fit a UNet of text width ${textWidth}`;
  return { ...description, runs: true, whatRuns: `add it to a base with --lora; ${fits}` };
}

function describeCheckpoint({ tensors, metadata, values }: Given): Description {
  const { parts, family, file } = inspectCheckpoint(tensors)!;
  return {
    found: family,
    prediction: predictionOf(metadata, tensors) ?? values.prediction,
    steps: stepsOf(metadata, file.guidanceWidth !== null),
    parts,
    ...singleFileRuns(file),
  };
}

/** A network that takes the guidance as an input was distilled; of any other only metadata can say so. */
const stepsOf = (metadata: ReadonlyMap<string, string>, takesGuidance: boolean): number | null =>
  takesGuidance ? STEPS_OF_LCM : (acceleratorOf(metadata, "")?.steps ?? null);

/** Latent consistency models: Luo et al. 2023, arXiv 2310.04378, table 1. */
const STEPS_OF_LCM = 4;
