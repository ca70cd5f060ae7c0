import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Envelope } from "#lib/pairing/envelope.ts";
import { thresholds } from "#lib/pairing/thresholds.ts";
import { type KeptByTrial, measureEnvelope } from "./envelope.ts";
import { drawNoise } from "./pair-networks.ts";
import { publicSeeds } from "./pair-protocol.ts";
import { study, type StudyRequest } from "./study.ts";
import type { Tick } from "./tick.ts";

export interface PairEnvelopeRequest extends StudyRequest {
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
 * @throws as `study`; bad_request too where there are too few prompts
 */
export async function envelopeOfPair(
  request: PairEnvelopeRequest,
  runtime: Runtime,
  tick: Tick,
): Promise<PairEnvelope> {
  const { choosing } = request;
  const subject = {
    cannot: "it cannot be found out where the guide is at its best",
    compared: "settings",
    requirePrompts(count: number): void {
      if (count >= choosing + LEAST_OTHERS) return;
      throw new AppError(
        "bad_request",
        `There are ${count} prompts; ${choosing} are chosen on, and at least ${LEAST_OTHERS} others have to say what came of it. Give more.`,
      );
    },
  };
  const { found, prompts } = await study(
    request,
    runtime,
    subject,
    ({ networks, evaluator, drawing }) => {
      const rows = Math.min(thresholds.agreementPrompts, choosing);
      const stepsNoise = drawNoise(networks, publicSeeds.agreementSeed, 0, rows);
      return measureEnvelope(networks, evaluator, { ...drawing, choosing, stepsNoise }, tick);
    },
    ({ raw }) => raw.map(({ kept }) => kept),
  );
  return { envelope: found.envelope, raw: { prompts, trials: found.raw } };
}
