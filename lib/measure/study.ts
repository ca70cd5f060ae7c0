import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { inOrder } from "#lib/util/in-order.ts";
import type { Comparison } from "./comparison.ts";
import type { Evaluator } from "./evaluator.ts";
import { openKept } from "./open-kept.ts";
import { readEvaluator } from "./open-evaluator.ts";
import type { PairCheckRequest } from "./pair-check.ts";
import {
  conditionOn,
  decodeWith,
  drawNoise,
  layoutFor,
  type Networks,
  openNetworks,
  requireRoom,
} from "./pair-networks.ts";
import { guidancesFor, protocol, publicSeeds } from "./pair-protocol.ts";
import { sequenceFor } from "./prompt-sequence.ts";
import { styleForStudy } from "./style/styles-of-pair.ts";

export type StudyRequest = Pick<
  PairCheckRequest,
  | "model"
  | "config"
  | "lowRank"
  | "guide"
  | "evaluators"
  | "prompts"
  | "pictures"
  | "domain"
  | "styles"
  | "kept"
  | "memory"
  | "layout"
>;

/** What a study compares, for the sentence that says why it cannot. */
export interface StudySubject {
  /** “…, so” what cannot be done where no evaluator reads the style. */
  readonly cannot: string;
  /** What is compared. */
  readonly compared: string;
  /** @throws where so many prompts are too few for it */
  requirePrompts?(count: number): void;
}

/** A pair, opened: one evaluator that reads its style, and what a way is drawn with from the noise that everybody may know. */
export interface StudyPlace {
  readonly networks: Networks;
  /** Ways and settings are compared, for which one is enough. */
  readonly evaluator: Evaluator;
  readonly drawing: Comparison;
}

/**
 * Opens a pair for something that judges nothing, and closes it after `work`.
 *
 * @param rawOf  all numbers that the result rests on
 * @throws bad_request where no evaluator reads anything well enough in pictures of this style; not_finite, too_little_memory
 */
export async function study<Found>(
  request: StudyRequest,
  runtime: Runtime,
  { cannot, compared, requirePrompts }: StudySubject,
  work: (place: StudyPlace) => Promise<Found>,
  rawOf: (found: Found) => readonly (readonly number[])[],
): Promise<{ readonly found: Found; readonly prompts: readonly string[] }> {
  const files = await readModelFiles({ ...request, guide: null });
  const guide = await readGuideFile(request.guide);
  const evaluatorFiles = await inOrder(request.evaluators, readEvaluator);
  requireRoom(files, guide, evaluatorFiles, request);
  return namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const networks = await openNetworks(files, guide, evaluatorFiles, layoutFor(files, request), runtime, opened);
    const { domain, styles } = await styleForStudy(networks, request, runtime);
    const speaking = networks.evaluators.map(({ network }) => network).filter((one) => one.silenceOn(domain) === null);
    const evaluator = speaking[0];
    if (!evaluator)
      throw new AppError(
        "bad_request",
        `There is nothing that an evaluator reads well enough in pictures of this style, so ${cannot}.`,
      );
    const prompts = sequenceFor(speaking, request).slice(0, request.pictures);
    requirePrompts?.(prompts.length);
    const { minGuidance, maxGuidance } = guide.config;
    const found = await work({
      networks,
      evaluator,
      drawing: {
        schedule: files.model.schedule,
        sampler: protocol.sampler,
        steps: protocol.steps,
        guidanceScale: guidancesFor(guide).guidanceScale,
        range: { minGuidance, maxGuidance },
        prompts,
        ...(await conditionOn(networks, prompts)),
        noise: drawNoise(networks, publicSeeds.pictureSeed, 0, prompts.length),
        rowsAtOnce: networks.rows,
        decode: (latents) => decodeWith(networks, latents),
        domain,
        kept: openKept(networks, request.kept, styles, runtime),
      },
    });
    if (rawOf(found).some((values) => !values.every(Number.isFinite)))
      throw new AppError(
        "not_finite",
        `A picture could not be read as numbers, so ${compared} cannot be compared; another evaluator may read it.`,
      );
    return { found, prompts };
  });
}
