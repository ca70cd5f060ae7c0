import type { Runtime } from "#lib/onnx/session.ts";
import type { Curve } from "#lib/pairing/evidence.ts";
import { type KeptByWay, measureCurve } from "./curve.ts";
import { study, type StudyRequest } from "./study.ts";
import type { Tick } from "./tick.ts";

/** Raw values included, so that a figure can be made anew without drawing again. */
export interface PairCurve {
  readonly curve: Curve;
  readonly raw: { readonly prompts: readonly string[]; readonly ways: readonly KeptByWay[] };
}

const subject = { cannot: "ways of drawing cannot be compared", compared: "ways of drawing" };

/**
 * What else could be done with as many passes as a guide takes, with the prompts and from the noise that everybody may know. It judges
 * nothing, and costs some seven times what a look at as many does.
 *
 * @throws as `study`
 */
export async function curveOfPair(request: StudyRequest, runtime: Runtime, tick: Tick): Promise<PairCurve> {
  const { found, prompts } = await study(
    request,
    runtime,
    subject,
    ({ networks, evaluator, drawing }) => measureCurve(networks, evaluator, drawing, tick),
    ({ raw }) => raw.flatMap(({ kept, distance }) => [kept, distance]),
  );
  return { curve: found.curve, raw: { prompts, ways: found.raw } };
}
