import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import { type GuideFile, readGuideFile } from "#lib/diffusion/guide-network.ts";
import {
  type LowRankChoice,
  type ModelChoice,
  type ModelFiles,
  readModelFiles,
  signatureOf,
} from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { openModel } from "#lib/diffusion/open-model.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Agreement, Evidence, Fidelity, Lineage } from "#lib/pairing/evidence.ts";
import type { DrawnFrom } from "#lib/pairing/period-secret.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { structureMismatches } from "#lib/pairing/signature.ts";
import { judge, type Verdict, type VerdictName, weakestOf, wordOf } from "#lib/pairing/verdict.ts";
import { rows } from "#lib/tensor/tensor.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { type AgreementState, measureAgreement, summariseAgreement } from "./agreement.ts";
import type { Kept } from "./arm.ts";
import { type Cost, costOf } from "./cost.ts";
import type { Evaluator } from "./evaluator.ts";
import { type KeptShares, measureFidelity, scoresOf } from "./fidelity.ts";
import { knownStyle } from "./known-styles.ts";
import { measureLineage } from "./lineage.ts";
import { type LookBack, looksBack } from "./looks-back.ts";
import { type EvaluatorFiles, readEvaluator } from "./open-evaluator.ts";
import {
  conditionOn,
  decodeWith,
  drawNoise,
  layoutFor,
  type Networks,
  openNetworks,
  type PassLayout,
  requireRoom,
} from "./pair-networks.ts";
import { guidancesFor, protocol, publicSeeds } from "./pair-protocol.ts";
import { sequenceFor } from "./prompt-sequence.ts";
import { learnStyle, OWN_STYLE, readsLatentsOf, type StyleTests } from "./style/styles-of-pair.ts";
import { type KeptPlace, openKept } from "./open-kept.ts";
import { stepsRecipe } from "./steps-recipe.ts";
import { withTape } from "./teacher.ts";
import type { Tick } from "./tick.ts";

export interface PairCheckRequest {
  readonly model: string;
  readonly config?: string | null;
  readonly lowRank: readonly LowRankChoice[];
  readonly guide: string;
  /** The model that the fine-tune was made from; without it lineage is not measured. */
  readonly base: BaseChoice | null;
  /** What reads the pictures; where there are several, all must agree. */
  readonly evaluators: readonly string[];
  readonly prompts: readonly string[] | null;
  /** Which prompts and which noise; without it those that everybody knows, to explore with. */
  readonly draw?: DrawnFrom | null;
  /** The how manieth guide it is that its author tried on this model; the first, where nothing is said. */
  readonly tries?: number;
  /** How many prompts are drawn in all when this has ended, those before counted. */
  readonly pictures: number;
  /** How well evaluators read the model's style, where that was measured before. */
  readonly styles?: StyleTests;
  /** What earlier looks at this very pair found; null for the first. */
  readonly before: Before | null;
  /** The style's name in the evaluator's list of accuracies, as a person gives it; without it, what the bytes are known to draw. */
  readonly domain: string | null;
  /** Where what the model does by itself is kept for its next guide; null: nowhere. */
  readonly kept: KeptPlace | null;
  /** Bytes that may be taken; null: as many as it needs. */
  readonly memory: number | null;
  /** How the passes are laid out; without it, as is fastest for a model of this size. */
  readonly layout?: PassLayout;
}

/** Raw values of a report, with which the next look goes on. */
export interface Before {
  readonly lineage: Lineage | null;
  readonly agreement: readonly AgreementState[];
  readonly fidelity: readonly KeptShares[];
}

/** A model in whichever layout. */
export type BaseChoice = Pick<ModelChoice, "model" | "config">;

/** Everything that was found out about a pair, raw values included, so that it can be judged again without measuring again. */
export interface PairReport extends Verdict {
  readonly protocol: typeof protocol & {
    /** At which pictures are drawn: the usual one, or what is nearest to it in the guide's range. */
    readonly guidanceScale: number;
    readonly agreementGuidances: readonly number[];
    /** Null where they are the hub's own. */
    readonly agreementSeed: number | null;
    readonly pictureSeed: number | null;
  };
  /** Of each evaluator that was given, what it made of the pictures by itself; of none where nothing was drawn. */
  readonly opinions: readonly Opinion[];
  /** What each look of the plan said to the evaluator whose word is the weakest, this one the last. */
  readonly looks: readonly LookBack[];
  readonly evidence: Evidence;
  readonly cost: Cost | null;
  readonly raw: { readonly agreement: readonly AgreementState[]; readonly fidelity: readonly KeptShares[] };
}

/** One evaluator's. */
export interface Opinion {
  readonly evaluator: Evaluator["kind"];
  /** How well it reads the model's style, where the hub measured that itself. */
  readonly style: StyleTest | null;
  /** Why it said nothing, in a sentence. */
  readonly silence: string | null;
  /** Null where it said nothing. */
  readonly verdict: VerdictName | null;
  readonly fidelity: Fidelity | null;
}

/** One stage of the work, by name. */
export type StageTick = (
  stage: "lineage" | "style" | "agreement" | "pictures",
  ...progress: Parameters<Tick>
) => ReturnType<Tick>;

/** L0, L1, L2, L4 and L5 of a fine-tune and a guide, as far as one look of the plan goes, and the verdict on them. */
export async function checkPair(request: PairCheckRequest, runtime: Runtime, tick: StageTick): Promise<PairReport> {
  const files = await readModelFiles({ ...request, guide: null });
  const guide = await readGuideFile(request.guide);
  const structure = await mismatchesOf(files, guide, request.base);
  const used = {
    ...protocol,
    ...guidancesFor(guide),
    ...(request.draw ? { agreementSeed: null, pictureSeed: null } : publicSeeds),
  };
  const none: Evidence = { structure, lineage: null, agreement: null, fidelity: null };
  if (structure.length > 0)
    return {
      ...judge(none),
      opinions: [],
      protocol: used,
      evidence: none,
      looks: [],
      cost: null,
      raw: { agreement: [], fidelity: [] },
    };

  const { before } = request;
  const lineage = before
    ? before.lineage
    : request.base && (await lineageOf(files, guide, request.base, (...at) => tick("lineage", ...at)));
  const known = request.domain ?? (await knownStyle(files));
  const isUnrelated = judge({ ...none, lineage }).verdict === "incompatible";
  const isWorthATest = !isUnrelated && request.pictures >= firstLook.prompts; // fewer decide nothing, however well they are read
  const base =
    request.base && isWorthATest ? await readModelFiles({ ...request.base, lowRank: [], guide: null }) : null;
  const given = await inOrder(request.evaluators, readEvaluator);
  requireRoom(files, guide, given, request);
  return namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const networks = await openNetworks(files, guide, given, layoutFor(files, request), runtime, opened);
    const styles =
      known === null && !isUnrelated
        ? await learnStyle(networks, { earlier: request.styles ?? [], base }, runtime, (...at) => tick("style", ...at))
        : null;
    const domain = styles === null ? known : OWN_STYLE;
    const readers = readersOf(networks, domain);
    const sequence = sequenceFor(readers.speaking, request);
    for (const one of readers.speaking) if (one.kind === "attributes") await one.expect(sequence, domain); // not first at the last look
    const run: Run = {
      networks,
      request,
      protocol: used,
      domain,
      sequence,
      kept: openKept(networks, request.kept, styles, runtime),
    };
    const states = before?.agreement ?? (await agreementOf(run, (...at) => tick("agreement", ...at)));
    const agreement: Agreement = summariseAgreement(states);
    const isRuledOut = judge({ structure, lineage, agreement, fidelity: null }).verdict === "incompatible";
    const fidelity =
      readers.speaking.length > 0 && !isRuledOut
        ? await fidelityOf(run, readers.speaking, (...at) => tick("pictures", ...at))
        : null;
    const figures = fidelity?.figures ?? [];
    const weakest = weakestOf(figures);
    const others = figures.filter((_one, place) => place !== weakest);
    const evidence: Evidence = {
      structure,
      lineage,
      agreement,
      fidelity: figures[weakest] ?? null,
      ...(others.length > 0 && { others }),
      ...(readers.silences.size > 0 && { silences: [...readers.silences.values()] }),
    };
    return {
      ...judge(evidence),
      opinions: opinionsOf(given, styles ?? [], readers.silences, figures),
      protocol: used,
      evidence,
      looks: fidelity ? looksBack(scoresOf(fidelity.raw, weakest), request.tries ?? 1) : [],
      cost: costOf(networks.parts, guide),
      raw: { agreement: states, fidelity: fidelity?.raw ?? [] },
    };
  });
}

/** What does not fit, in words; with the first tensors of another shape where there is a base to compare with. */
async function mismatchesOf(files: ModelFiles, guide: GuideFile, base: BaseChoice | null): Promise<string[]> {
  const mismatches = structureMismatches(guide.config.base, signatureOf(files.model));
  if (mismatches.length === 0 || base === null) return mismatches;
  const { unet } = await openModel(base.model, base.config ?? null);
  const shapeOf = (shape: readonly number[] | undefined): string => (shape ? shape.join(" × ") : "nothing");
  const differing = unet.weights.entries
    .map(([name, { shape }]) => ({
      name,
      made: shapeOf(shape),
      found: shapeOf(files.model.unet.weights.find(name)?.shape),
    }))
    .filter(({ made, found }) => made !== found)
    .slice(0, 3)
    .map(({ name, made, found }) => `${name} is ${made} in the base and ${found} in the model`);
  return [...mismatches, ...differing];
}

/** Those that read these pictures, and of each other, by its place, why it does not. */
function readersOf(networks: Networks, domain: string | null) {
  const { unet, height, width } = networks.parts;
  const silences = new Map<number, string>();
  const speaking = networks.evaluators.filter(({ files, network }, place) => {
    const silence = readsLatentsOf(networks, files.latents)
      ? network.silenceOn(domain)
      : `The automatic judge reads latents of ${files.latents!.join(" × ")}, and those of this model are ${unet.config.inChannels} × ${height} × ${width}.`;
    if (silence !== null) silences.set(place, silence);
    return silence === null;
  });
  return { speaking: speaking.map(({ network }) => network), silences };
}

/** In the order in which they were given. `figures` are of those that spoke. */
function opinionsOf(
  given: readonly EvaluatorFiles[],
  styles: StyleTests,
  silences: ReadonlyMap<number, string>,
  figures: readonly Fidelity[],
): Opinion[] {
  const read = figures.values();
  return given.map(({ kind: evaluator }, place) => {
    const silence = silences.get(place) ?? null;
    const fidelity = silence === null ? (read.next().value ?? null) : null;
    return { evaluator, style: styles[place] ?? null, silence, verdict: fidelity && wordOf(fidelity), fidelity };
  });
}

/** One look at one pair. */
interface Run {
  readonly networks: Networks;
  readonly request: PairCheckRequest;
  readonly protocol: PairReport["protocol"];
  readonly domain: string | null;
  /** All prompts that the plan may draw, in their order. */
  readonly sequence: readonly string[];
  readonly kept: Kept | null;
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
  { networks, request, protocol: { agreementGuidances: guidances }, sequence, kept }: Run,
  tick: Tick,
): Promise<AgreementState[]> {
  const { unet, guide, files } = networks;
  const prompts = sequence.slice(0, Math.min(protocol.agreementPrompts, request.pictures));
  const { prompted, empty } = await conditionOn(networks, prompts);
  const noise = drawNoise(networks, (request.draw ?? publicSeeds).agreementSeed, 0, prompts.length);
  const chunk = networks.rows;
  const runs = guidances.length * Math.ceil(prompts.length / chunk);
  const states: AgreementState[] = [];
  let run = 0;
  for (const guidanceScale of guidances) {
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
      };
      const tell = (done: number): Promise<void> => tick(run * protocol.steps + done, runs * protocol.steps);
      states.push(
        ...(await withTape(
          kept?.pieces ?? null,
          stepsRecipe(prompts.slice(begin, end), part.noise, guidanceScale, protocol.steps),
          (tape) => measureAgreement(unet, guide, { ...part, tape }, tell),
        )),
      );
    }
  }
  return states;
}

/** Draws what this look adds to those before. */
async function fidelityOf(
  { networks, request, protocol: { guidanceScale }, domain, sequence, kept }: Run,
  evaluators: readonly Evaluator[],
  tick: Tick,
): ReturnType<typeof measureFidelity> {
  const { files } = networks;
  const before = request.before?.fidelity ?? [];
  const prompts = sequence.slice(before.length, request.pictures);
  return measureFidelity(
    networks,
    evaluators,
    {
      schedule: files.model.schedule,
      sampler: protocol.sampler,
      steps: protocol.steps,
      guidanceScale,
      prompts,
      ...(await conditionOn(networks, prompts)),
      noise: drawNoise(
        networks,
        (request.draw ?? publicSeeds).pictureSeed,
        before.length,
        before.length + prompts.length,
      ),
      rowsAtOnce: networks.rows,
      decode: (latents) => decodeWith(networks, latents),
      domain,
      kept,
      before,
      available: sequence.length,
      tries: request.tries ?? 1,
    },
    tick,
  );
}
