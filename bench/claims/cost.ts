import { readGuideFile } from "#lib/diffusion/guide-network.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { unetParts } from "#lib/diffusion/pipeline.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { costOf } from "#lib/measure/cost.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { benchGuide } from "../guide.ts";
import { prepareSubject, readSubject, type SubjectName } from "../subject.ts";
import { starterPath } from "../starter-path.ts";

export interface Parameters {
  readonly base: number;
  readonly guide: number;
  readonly share: number;
  /** Multiply–accumulates of a step with the guide ÷ of a step of CFG. */
  readonly macsRatio: number;
}

/** Counted from the shapes, without running anything. */
export async function countParameters(guide: string): Promise<Parameters> {
  const files = await readModelFiles({ model: starterPath("storybook"), lowRank: [], guide: null });
  const file = await readGuideFile(guide);
  const [base, own] = [files.model.unet.weights.parameters, file.weights.parameters];
  const cost = costOf(unetParts(files, ownSize(files.model)), file);
  return {
    base,
    guide: own,
    share: own / base,
    macsRatio: (cost.base.total + cost.guide.total) / (2 * cost.base.total),
  };
}

/** Time with a guide ÷ time of CFG, interleaved in one run. */
export interface WallTime {
  readonly loop: Estimate;
  /** With text encoder and VAE; null where there is only a UNet. */
  readonly picture: Estimate | null;
}

/** With the shipped guide-tiny on the starter, and a guide of its share with random weights at SD 1.5's size: time does not depend on weights. */
export async function timeGuide(name: SubjectName, rounds: number, runtime: Runtime): Promise<WallTime> {
  await prepareSubject(name);
  const { loop, image } = await benchGuide(await readSubject(name), rounds, runtime);
  const timeOf = (rows: typeof loop): Estimate => rows.find(({ what }) => what === "guide")!.time;
  return { loop: timeOf(loop), picture: image && timeOf(image) };
}
