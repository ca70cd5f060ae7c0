import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Envelope } from "#lib/pairing/envelope.ts";
import { AppError } from "#lib/errors.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { type KeptByTrial, measureEnvelope } from "./envelope.ts";
import { readEvaluator } from "./open-evaluator.ts";
import { openKept } from "./open-kept.ts";
import type { PairCurveRequest } from "./pair-curve.ts";
import { conditionOn, decodeWith, drawNoise, layoutFor, openNetworks, requireRoom } from "./pair-networks.ts";
import { guidancesFor, protocol, publicSeeds } from "./pair-protocol.ts";
import { sequenceFor } from "./prompt-sequence.ts";
import { styleForStudy } from "./style/styles-of-pair.ts";
import type { Tick } from "./tick.ts";

export interface PairEnvelopeRequest extends PairCurveRequest {
  /** So many of the `pictures` are chosen on. */
  readonly choosing: number;
}

/** Raw values included, so that a figure can be made anew without drawing again. */
export interface PairEnvelope {
  readonly envelope: Envelope;
  readonly raw: { readonly prompts: readonly string[]; readonly trials: readonly KeptByTrial[] };
}

/** Fewer say nothing of what is better. */
const LEAST_OTHERS = 2;

/**
 * The strength, the first steps of CFG and the guidance at which a guide is at its best on a model, on prompts that everybody may know:
 * no verdict rests on any of them, and what is chosen on some is told on others.
 *
 * @throws bad_request where no evaluator reads anything well enough in pictures of this style, or there are too few prompts;
 *   not_finite, too_little_memory
 */
export async function envelopeOfPair(
  request: PairEnvelopeRequest,
  runtime: Runtime,
  tick: Tick,
): Promise<PairEnvelope> {
  const files = await readModelFiles({ ...request, guide: null });
  const guide = await readGuideFile(request.guide);
  const evaluatorFiles = await inOrder(request.evaluators, readEvaluator);
  requireRoom(files, guide, evaluatorFiles, request);
  return namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const networks = await openNetworks(files, guide, evaluatorFiles, layoutFor(files, request), runtime, opened);
    const { domain, styles } = await styleForStudy(networks, request, runtime);
    const speaking = networks.evaluators.map(({ network }) => network).filter((one) => one.silenceOn(domain) === null);
    const evaluator = speaking[0]; // settings are compared, for which one is enough
    if (!evaluator)
      throw new AppError(
        "bad_request",
        "There is nothing that an evaluator reads well enough in pictures of this style, so it cannot be found out where the guide is at its best.",
      );
    const prompts = sequenceFor(speaking, request).slice(0, request.pictures);
    if (prompts.length < request.choosing + LEAST_OTHERS)
      throw new AppError(
        "bad_request",
        `There are ${prompts.length} prompts; ${request.choosing} are chosen on, and at least ${LEAST_OTHERS} others have to say what came of it. Give more.`,
      );
    const { minGuidance, maxGuidance } = guide.config;
    const found = await measureEnvelope(
      networks,
      evaluator,
      {
        schedule: files.model.schedule,
        sampler: protocol.sampler,
        steps: protocol.steps,
        guidanceScale: guidancesFor(guide).guidanceScale,
        range: { minGuidance, maxGuidance },
        choosing: request.choosing,
        prompts,
        ...(await conditionOn(networks, prompts)),
        noise: drawNoise(networks, publicSeeds.pictureSeed, 0, prompts.length),
        stepsNoise: drawNoise(
          networks,
          publicSeeds.agreementSeed,
          0,
          Math.min(thresholds.agreementPrompts, request.choosing),
        ),
        rowsAtOnce: networks.rows,
        decode: (latents) => decodeWith(networks, latents),
        domain,
        kept: openKept(networks, request.kept, styles, runtime),
      },
      tick,
    );
    if (found.raw.some(({ kept }) => !kept.every(Number.isFinite)))
      throw new AppError(
        "not_finite",
        "A picture could not be read as numbers, so settings cannot be compared; another evaluator may read it.",
      );
    return { envelope: found.envelope, raw: { prompts, trials: found.raw } };
  });
}
