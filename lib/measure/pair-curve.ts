import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Curve } from "#lib/pairing/evidence.ts";
import { AppError } from "#lib/errors.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { type KeptByWay, measureCurve } from "./curve.ts";
import { readEvaluator } from "./open-evaluator.ts";
import type { PairCheckRequest } from "./pair-check.ts";
import { conditionOn, decodeWith, drawNoise, layoutFor, openNetworks, requireRoom } from "./pair-networks.ts";
import { guidancesFor, protocol, publicSeeds } from "./pair-protocol.ts";
import { sequenceFor } from "./prompt-sequence.ts";
import { styleForStudy } from "./style/styles-of-pair.ts";
import { openKept } from "./open-kept.ts";
import type { Tick } from "./tick.ts";

export type PairCurveRequest = Pick<
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

/** Raw values included, so that a figure can be made anew without drawing again. */
export interface PairCurve {
  readonly curve: Curve;
  readonly raw: { readonly prompts: readonly string[]; readonly ways: readonly KeptByWay[] };
}

/**
 * What else could be done with as many passes as a guide takes, with the prompts and from the noise that everybody may know. It judges
 * nothing, and costs some seven times what a look at as many does.
 *
 * @throws bad_request where no evaluator reads anything well enough in pictures of this style; not_finite, too_little_memory
 */
export async function curveOfPair(request: PairCurveRequest, runtime: Runtime, tick: Tick): Promise<PairCurve> {
  const files = await readModelFiles({ ...request, guide: null });
  const guide = await readGuideFile(request.guide);
  const evaluatorFiles = await inOrder(request.evaluators, readEvaluator);
  requireRoom(files, guide, evaluatorFiles, request);
  return namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const networks = await openNetworks(files, guide, evaluatorFiles, layoutFor(files, request), runtime, opened);
    const { domain, styles } = await styleForStudy(networks, request, runtime);
    const speaking = networks.evaluators.map(({ network }) => network).filter((one) => one.silenceOn(domain) === null);
    const evaluator = speaking[0]; // a curve compares ways, for which one is enough
    if (!evaluator)
      throw new AppError(
        "bad_request",
        "There is nothing that an evaluator reads well enough in pictures of this style, so ways of drawing cannot be compared.",
      );
    const prompts = sequenceFor(speaking, request).slice(0, request.pictures);
    const { minGuidance, maxGuidance } = guide.config;
    const found = await measureCurve(
      networks,
      evaluator,
      {
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
      tick,
    );
    if (found.raw.some(({ kept, distance }) => ![...kept, ...distance].every(Number.isFinite)))
      throw new AppError(
        "not_finite",
        "A picture could not be read as numbers, so ways of drawing cannot be compared; another evaluator may read it.",
      );
    return { curve: found.curve, raw: { prompts, ways: found.raw } };
  });
}
