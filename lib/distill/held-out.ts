import { writeFile } from "node:fs/promises";
import { type GuideNetwork, openGuide, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { conditioningRows } from "#lib/diffusion/conditioning.ts";
import { pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { openText } from "#lib/diffusion/pipeline.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openSplitUNet, type SplitUNet } from "#lib/diffusion/unet-networks.ts";
import {
  agreementGuidances,
  type AgreementState,
  measureAgreement,
  summariseAgreement,
} from "#lib/measure/agreement.ts";
import { Pieces } from "#lib/measure/pieces.ts";
import { withTape } from "#lib/measure/teacher.ts";
import type { Tick } from "#lib/measure/tick.ts";
import type { AgreementFigures } from "#lib/pairing/evidence.ts";
import { rows } from "#lib/tensor/tensor.ts";
import { generatorFor } from "./random.ts";
import type { HeldOutPlace } from "./held-out-place.ts";
import { hashOf } from "./recipe.ts";
import { writeGuide } from "./guide-file.ts";
import { ResidualStrength } from "./residual-strength.ts";
import type { HeldOut } from "./run/history.ts";
import type { Subject } from "./subject.ts";

/** Shows pictures, with the networks that are open. */
export type Show = (
  networks: { readonly unet: SplitUNet; readonly guide: GuideNetwork },
  step: number,
) => Promise<void>;

/**
 * What these weights are worth as a guide, by the measure of `guidepost check`'s second level. The networks are open only meanwhile: what trains
 * wants the memory.
 */
export async function measureHeldOut(
  place: HeldOutPlace,
  weights: Float32Array,
  step: number,
  tick: Tick,
  show: Show | null,
): Promise<HeldOut> {
  const { recipe, config, parts, schedule, runtime, prompted, empty, folder } = place;
  const count = prompted.text.shape[0]!;
  const guidances = agreementGuidances(config);
  const path = `${folder}/average.safetensors`;
  await writeFile(path, writeGuide(config, weights));
  await using opened = new AsyncDisposableStack();
  const keep = <T extends { close(): Promise<void> }>(network: T): T => opened.adopt(network, (one) => one.close());
  const unet = keep(await openSplitUNet(parts, runtime));
  const strength = new ResidualStrength();
  const own = keep(await openGuide(await readGuideFile(path), parts, runtime));
  const guide = strength.watch(own);
  const kept = { folder: `${folder}/held-out`, key: config.base.sha256 };
  const pieces = new Pieces(kept, { recipe: hashOf(recipe), runtime });
  const noise = generatorFor(recipe.seed, "held out").randn([count, config.base.inChannels, parts.height, parts.width]);
  const states: AgreementState[] = [];
  const { steps } = recipe.heldOut;
  for (let begin = 0; begin < count; begin += recipe.teacher.rows) {
    const end = Math.min(count, begin + recipe.teacher.rows);
    const places = Array.from({ length: end - begin }, (_, i) => begin + i);
    const request = {
      schedule,
      steps,
      prompted: conditioningRows(prompted, begin, end),
      empty,
      noise: rows(noise, begin, end),
      guidanceScales: Float32Array.from(places, (i) => guidances[i % guidances.length]!),
      prompts: places,
    };
    const done = (begin * steps) / count;
    const tell = (at: number): Promise<void> => tick(Math.floor(done + (at * (end - begin)) / count), steps);
    states.push(
      ...(await withTape(pieces, { begin, end }, (tape) => measureAgreement(unet, guide, { ...request, tape }, tell))),
    );
  }
  if (show) await show({ unet, guide: own }, step);
  const { byTimestep, byGuidance, ...all } = summariseAgreement(states);
  return {
    step,
    ...valuesOf(all),
    byTimestep: byTimestep.map((row) => ({ timestep: row.timestep, ...valuesOf(row) })),
    byGuidance: byGuidance.map((row) => ({ guidanceScale: row.guidanceScale, ...valuesOf(row) })),
    strength: strength.rows(),
  };
}

const valuesOf = ({ fvu, delivered, cosine }: AgreementFigures) => ({
  fvu: fvu.value,
  delivered: delivered.value,
  cosine: cosine.value,
});

/** What the base hears of the prompts that are held out. The text encoder is open only meanwhile. */
export async function heldOutTexts(
  { files, parts, runtime }: Subject,
  prompts: readonly string[],
): Promise<Pick<HeldOutPlace, "prompted" | "empty">> {
  const text = await openText(files, runtime);
  try {
    const size = wholePicture(pictureSizeOf(files.model, parts));
    return { prompted: await text.condition(prompts, size), empty: await text.condition([null], size) };
  } finally {
    await text.close();
  }
}
