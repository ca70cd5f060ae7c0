import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { checkpointParts } from "./checkpoint.ts";
import { falseClaims } from "./claims.ts";
import { evaluatorFacts } from "./evaluator-facts.ts";
import { amountOf, blank, type Inspection, partOf, sortedMetadata } from "./facts.ts";
import { embeddingFamily, familyOf } from "./family.ts";
import { type FileKind, recognise } from "./kind.ts";
import { lowRankFacts, type LowRankValues } from "./low-rank-facts.ts";
import { networkOf } from "./low-rank-names.ts";
import { familyOfBases } from "./low-rank-shape.ts";
import { predictionOf } from "./prediction.ts";
import { sentenceOf } from "./sentence.ts";
import { unetFamily } from "./unet-family.ts";
import { guideProblems } from "./whole.ts";

/** What a file is, told from its header and what was read beside it. `name` is how messages name it. */
export function describeFile(file: WeightsFile, values: Partial<LowRankValues> = {}): Inspection {
  const {
    name,
    header: { metadata, tensors },
  } = file;
  const { kind, form } = recognise(tensors);
  const found = describe(kind, { name, file, values: { alphas: [], triggers: [], ...values }, ...file.header });
  return {
    ...blank,
    ...found,
    name,
    kind,
    form,
    ...amountOf(tensors),
    problems: [...falseClaims(metadata, kind, found.family ?? null), ...(found.problems ?? [])],
    metadata: sortedMetadata(metadata),
  };
}

export const notAsItIs = "nothing runs it as it is; the problems named here say why";
export const doesNotRun = (what: string): string =>
  `${what} does not run here; folders of Stable Diffusion 1.x and 2.x do`;
const later =
  "it is named and stored here, and runs with a later version; until then give the model as a diffusers folder";
const notAlone = (what: string): string =>
  `nothing runs ${what} alone; sample and check run the diffusers folder that it is a part of`;

type Given = {
  readonly name: string;
  readonly file: WeightsFile;
  readonly values: LowRankValues;
} & WeightsFile["header"];
type Description = Partial<Inspection> & Pick<Inspection, "whatRuns">;

/** A describer that fails has found a file of its kind with a fault. */
function describe(kind: FileKind, given: Given): Description {
  try {
    return describers[kind](given);
  } catch (failure) {
    return { problems: [sentenceOf(failure)], whatRuns: notAsItIs };
  }
}

const describers: Readonly<Record<FileKind, (file: Given) => Description>> = {
  guide: describeGuide,
  evaluator: ({ file }) => ({
    evaluator: evaluatorFacts(file),
    runs: true,
    whatRuns: "use it with check --evaluator, on models whose latents are [4, 16, 16]",
  }),
  "low-rank fine-tune": describeLowRank,
  "single-file checkpoint": describeCheckpoint,
  unet: ({ tensors, metadata }) => {
    const family = familyOf(tensors)!;
    const alone = tensors.has("input_blocks.0.0.weight") ? later : notAlone("a UNet");
    return {
      family: family.name,
      prediction: predictionOf(metadata, tensors),
      whatRuns: family.runs ? alone : doesNotRun(family.name),
    };
  },
  "diffusion transformer": ({ tensors }) => {
    const { name } = familyOf(tensors)!;
    return { family: name, whatRuns: doesNotRun(name) };
  },
  "text encoder": ({ tensors }) => ({ family: familyOf(tensors)!.name, whatRuns: notAlone("a text encoder") }),
  vae: ({ tensors }) => ({ family: familyOf(tensors)!.name, whatRuns: notAlone("a VAE") }),
  controlnet: ({ tensors }) => ({
    family: familyOf(tensors)!.name,
    whatRuns: "ControlNets do not run here; low-rank files and guides are what can be added to a base",
  }),
  embedding: ({ tensors }) => ({
    family: embeddingFamily(tensors),
    whatRuns: "learned words (textual inversion) do not run here; describe in the prompt what they stand for",
  }),
  latents: ({ tensors }) => {
    const latents = tensors.get("latents")!.shape;
    return {
      latents,
      runs: true,
      whatRuns: `sample starts from its tensor "latents" with --latents, on a model of ${latents[1]} latent channels`,
    };
  },
  unknown: () => ({ whatRuns: "nothing; its tensors are not those of anything known here" }),
};

function describeGuide({ name, file, metadata }: Given): Description {
  const config = parseGuideConfig(metadata, name);
  const { channels, crossAttentionDim, inChannels, predictionType } = config.base;
  const base = unetFamily({
    channels,
    textWidths: [crossAttentionDim],
    inChannels,
    addedWidth: undefined,
    takesGuidance: false,
  });
  const problems = guideProblems({ what: name, files: [file], config });
  const fits = problems.length === 0;
  const use = `use it with --guide on a model whose UNet is ${channels.join("/")} with text width ${crossAttentionDim} and predicts ${predictionType}`;
  return {
    family: `for ${base.name}`,
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
  const { bases, textWidth } = lowRank;
  const base = familyOfBases(bases);
  const found = {
    family: base?.name ?? null,
    lowRank,
    prediction: predictionOf(metadata, tensors),
    parts: [...Map.groupBy(tensors, ([name]) => networkOf(name))].map(([name, part]) => partOf(name, new Map(part))),
  };
  if (base?.runs === false) return { ...found, whatRuns: doesNotRun(`a fine-tune of ${base.name}`) };
  const fits =
    bases.length > 1
      ? `its shapes fit bases of ${base!.name}`
      : textWidth === null
        ? "its layers do not tell how wide the text states of its base must be"
        : `its shapes fit a UNet of text width ${textWidth}`;
  return { ...found, runs: true, whatRuns: `add it to a base with --lora; ${fits}` };
}

function describeCheckpoint({ tensors, metadata }: Given): Description {
  const { parts, family } = checkpointParts(tensors);
  return {
    family: family?.name ?? null,
    prediction: predictionOf(metadata, tensors),
    parts,
    whatRuns: family?.runs ? later : doesNotRun(family?.name ?? "a checkpoint of a network that is not known"),
  };
}
