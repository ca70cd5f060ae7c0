import { cpus } from "node:os";
import { basename } from "node:path";
import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import type { CfgLayout } from "#lib/diffusion/guidance.ts";
import { type GuideFile, type GuideNetwork, openGuide, readGuideFile } from "#lib/diffusion/guide-network.ts";
import {
  type LowRankChoice,
  type ModelChoice,
  type ModelFiles,
  readModelFiles,
  signatureOf,
} from "#lib/diffusion/model-files.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import { measuringNeed, requireMemory } from "#lib/diffusion/needs.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { ownSize, pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { type TextConditioner, wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openSplitUNet, type SplitUNet } from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder, type VaeDecoder } from "#lib/diffusion/vae-networks.ts";
import { vaeSize } from "#lib/diffusion/vae-size.ts";
import { runtimeVersion } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Agreement, Evidence, Lineage } from "#lib/pairing/evidence.ts";
import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import { structureMismatches } from "#lib/pairing/signature.ts";
import { judge, type Verdict } from "#lib/pairing/verdict.ts";
import { toPictures } from "#lib/picture/rgb.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, rows } from "#lib/tensor/tensor.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { agreementGuidances, type AgreementState, measureAgreement, summariseAgreement } from "./agreement.ts";
import { type Cost, costOf } from "./cost.ts";
import type { Evaluator } from "./evaluator.ts";
import { type KeptShares, measureFidelity } from "./fidelity.ts";
import { measureLineage } from "./lineage.ts";
import { type EvaluatorFiles, readEvaluator } from "./open-evaluator.ts";
import { plainPrompts } from "./prompts.ts";
import { openTape, type TapePlace, type TeacherTape } from "./teacher.ts";
import { rowsAtOnce } from "./rows-at-once.ts";
import type { Tick } from "./tick.ts";

export interface PairCheckRequest {
  readonly model: string;
  readonly config?: string | null;
  readonly lowRank: readonly LowRankChoice[];
  readonly guide: string;
  /** The model that the fine-tune was made from; without it lineage is not measured. */
  readonly base: BaseChoice | null;
  readonly evaluator: string | null;
  readonly prompts: readonly string[] | null;
  /** How many prompts are drawn for L4. */
  readonly pictures: number;
  /** The style's name in the evaluator's list of accuracies; without it, the name of the low-rank file or of the model's folder. */
  readonly domain: string | null;
  /** Where what the model does by itself is kept for its next guide; null: nowhere. */
  readonly tapes: TapePlace | null;
  /** Bytes that may be taken; null: as many as it needs. */
  readonly memory: number | null;
}

/** A model in whichever layout. */
export type BaseChoice = Pick<ModelChoice, "model" | "config">;

/** Everything that was found out about a pair, raw values included, so that it can be judged again without measuring again. */
export interface PairReport extends Verdict {
  readonly protocol: typeof protocol;
  readonly evidence: Evidence;
  readonly cost: Cost | null;
  readonly raw: { readonly agreement: readonly AgreementState[]; readonly fidelity: readonly KeptShares[] };
}

/**
 * How pairs are measured. A report is valid for one protocol: whatever changes the numbers changes the version.
 * Sampler, steps, guidance and seeds are those of the published figures of the starter guides.
 */
export const protocol = {
  version: PROTOCOL_VERSION,
  sampler: "ddim",
  steps: 20,
  guidanceScale: 5,
  agreementGuidances,
  agreementPrompts: 16,
  agreementSeed: 99,
  pictureSeed: 77,
} as const;

/** One stage of the work, by name. */
export type StageTick = (
  stage: "lineage" | "agreement" | "pictures",
  ...progress: Parameters<Tick>
) => ReturnType<Tick>;

/** L0, L1, L2, L4 and L5 of a fine-tune and a guide, and the verdict on them. */
export async function checkPair(request: PairCheckRequest, runtime: Runtime, tick: StageTick): Promise<PairReport> {
  const files = await readModelFiles({ ...request, guide: null });
  const guide = await readGuideFile(request.guide);
  const structure = structureMismatches(guide.config.base, signatureOf(files.model));
  const none: Evidence = { structure, lineage: null, agreement: null, fidelity: null };
  if (structure.length > 0)
    return { ...judge(none), protocol, evidence: none, cost: null, raw: { agreement: [], fidelity: [] } };

  const lineage =
    request.base === null ? null : await lineageOf(files, guide, request.base, (...at) => tick("lineage", ...at));
  const evaluator = request.evaluator === null ? null : await readEvaluator(request.evaluator);
  requireRoom(files, guide, evaluator, request);
  return namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const networks = await openNetworks(files, guide, evaluator, runtime, opened);
    const { tape, save } = request.tapes
      ? await openTape(request.tapes, circumstances(networks, request, runtime))
      : { tape: null, save: null };
    const states = await agreementOf(networks, request, tape, (...at) => tick("agreement", ...at));
    const agreement: Agreement = summariseAgreement(states);
    const fidelity =
      networks.evaluator && agreement.finite
        ? await fidelityOf(networks, networks.evaluator, request, tape, (...at) => tick("pictures", ...at))
        : null;
    await save?.();
    const evidence: Evidence = { structure, lineage, agreement, fidelity: fidelity?.figures ?? null };
    return {
      ...judge(evidence),
      protocol,
      evidence,
      cost: costOf(networks.parts, guide),
      raw: { agreement: states, fidelity: fidelity?.raw ?? [] },
    };
  });
}

/** What decides, beside the weights, which numbers a model gives by itself. */
function circumstances(networks: Networks, request: PairCheckRequest, runtime: Runtime): object {
  return {
    protocol,
    prompts: promptsFor(networks, request, request.pictures),
    domain: request.domain ?? domainOf(networks.files),
    layout: [networks.cfgLayout, rowsOf(networks)],
    runtime: { ...runtime, version: runtimeVersion(), processor: cpus()[0]?.model },
  };
}

/** @throws too_little_memory, while nothing is open yet */
function requireRoom(
  files: ModelFiles,
  guide: GuideFile,
  evaluator: EvaluatorFiles | null,
  { memory, pictures }: PairCheckRequest,
): void {
  if (memory === null) return;
  const { model } = files;
  const parts = unetParts(files, ownSize(model));
  const cfgLayout = cfgLayoutFor(model.unet.weights.parameters);
  const rows = rowsOf({ parts });
  const need = measuringNeed(files, guide, {
    ...parts,
    rows,
    prompts: pictures,
    cfgLayout,
    evaluator: evaluator?.memories(rows) ?? [],
    decodes: evaluator?.looksAt === "pictures",
  });
  const { width, height } = pictureSizeOf(model, parts);
  requireMemory(
    need,
    memory,
    `Measuring ${model.name} at its own ${width} × ${height} px`,
    "measure it on a larger machine",
  );
}

interface Networks {
  readonly files: ModelFiles;
  readonly parts: ReturnType<typeof unetParts>;
  readonly text: TextConditioner;
  readonly unet: SplitUNet;
  readonly guide: GuideNetwork;
  readonly cfgLayout: CfgLayout;
  readonly evaluator: Evaluator | null;
  /** Open where the evaluator looks at pictures. */
  readonly vae: VaeDecoder | null;
}

async function openNetworks(
  files: ModelFiles,
  guide: GuideFile,
  evaluatorFiles: EvaluatorFiles | null,
  runtime: Runtime,
  opened: AsyncDisposableStack,
): Promise<Networks> {
  const { model } = files;
  const parts = unetParts(files, ownSize(model));
  const keep = <T extends { close(): Promise<void> }>(network: T): T => opened.adopt(network, (one) => one.close());
  const evaluator = evaluatorFiles && keep(await evaluatorFiles.open(runtime));
  return {
    files,
    parts,
    text: keep(await openText(files, runtime)),
    unet: keep(await openSplitUNet(parts, runtime)),
    guide: keep(await openGuide(guide, parts, runtime)),
    cfgLayout: cfgLayoutFor(model.unet.weights.parameters),
    evaluator,
    vae:
      evaluator?.looksAt === "pictures" ? keep(await openVaeDecoder(model.vae, vaeSize(model, parts), runtime)) : null,
  };
}

async function lineageOf(files: ModelFiles, guide: GuideFile, place: BaseChoice, tick: Tick): Promise<Lineage> {
  const base = await openModel(place.model, place.config ?? null);
  const digests = await Promise.all(base.unet.files.map(({ path }) => sha256OfFile(path)));
  return measureLineage(
    {
      base: base.unet.weights,
      fineTune: files.model.unet.weights,
      lowRank: files.lowRank.map(({ unet }) => unet),
      guideNamesThisBase: digests.includes(guide.config.base.sha256),
    },
    tick,
  );
}

/** Every prompt at every guidance, as many rows at once as the model's size allows. */
async function agreementOf(
  networks: Networks,
  request: PairCheckRequest,
  tape: TeacherTape | null,
  tick: Tick,
): Promise<AgreementState[]> {
  const { unet, guide, files } = networks;
  const prompts = promptsFor(networks, request, Math.min(protocol.agreementPrompts, request.pictures));
  const { prompted, empty } = await conditionOn(networks, prompts);
  const noise = drawNoise(networks, protocol.agreementSeed, prompts.length);
  const chunk = rowsOf(networks);
  const runs = agreementGuidances.length * Math.ceil(prompts.length / chunk);
  const states: AgreementState[] = [];
  let run = 0;
  for (const guidanceScale of agreementGuidances) {
    for (let begin = 0; begin < prompts.length; begin += chunk, run++) {
      const end = Math.min(begin + chunk, prompts.length);
      const part = {
        schedule: files.model.schedule,
        steps: protocol.steps,
        prompted: conditioningRows(prompted, begin, end),
        empty,
        noise: rows(noise, begin, end),
        guidanceScales: new Float32Array(end - begin).fill(guidanceScale),
        prompts: Array.from({ length: end - begin }, (_, i) => begin + i),
        tape,
      };
      states.push(
        ...(await measureAgreement(unet, guide, part, (done) =>
          tick(run * protocol.steps + done, runs * protocol.steps),
        )),
      );
    }
  }
  return states;
}

async function fidelityOf(
  networks: Networks,
  evaluator: Evaluator,
  request: PairCheckRequest,
  tape: TeacherTape | null,
  tick: Tick,
): ReturnType<typeof measureFidelity> {
  const { files } = networks;
  const prompts = promptsFor(networks, request, request.pictures);
  const found = await measureFidelity(
    networks,
    evaluator,
    {
      schedule: files.model.schedule,
      sampler: protocol.sampler,
      steps: protocol.steps,
      guidanceScale: protocol.guidanceScale,
      prompts,
      ...(await conditionOn(networks, prompts)),
      noise: drawNoise(networks, protocol.pictureSeed, prompts.length),
      rowsAtOnce: rowsOf(networks),
      decode: async (latents) => toPictures(await networks.vae!.decode(latents)),
      domain: request.domain ?? domainOf(files),
      known: tape?.kept ?? null,
    },
    tick,
  );
  tape?.keep({ conditional: found.raw.map(({ conditional }) => conditional), cfg: found.raw.map(({ cfg }) => cfg) });
  return found;
}

/** The person's prompts, else those in the evaluator's own words, else plain ones; at most `count`. */
function promptsFor({ evaluator }: Networks, { prompts }: PairCheckRequest, count: number): readonly string[] {
  return (prompts ?? evaluator?.ownPrompts(count) ?? plainPrompts).slice(0, count);
}

async function conditionOn({ text, files, parts }: Networks, prompts: readonly string[]) {
  const size = wholePicture(pictureSizeOf(files.model, parts));
  return { prompted: await text.condition(prompts, size), empty: await text.condition([null], size) };
}

function drawNoise({ parts: { unet, height, width } }: Networks, seed: number, count: number): FloatTensor {
  return createGenerator(seed).randn([count, unet.config.inChannels, height, width]);
}

/** A style goes by the name of what made it: the one low-rank file, or the model's folder. */
function domainOf({ model, lowRank }: ModelFiles): string | null {
  if (lowRank.length > 1) return null;
  return lowRank[0] ? basename(lowRank[0].file.name, ".safetensors") : model.name;
}

const rowsOf = ({ parts }: Pick<Networks, "parts">): number => rowsAtOnce(parts.unet.weights.parameters);
