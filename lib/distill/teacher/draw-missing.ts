import { cfgLayoutFor } from "#lib/diffusion/cfg-layout.ts";
import { namingNonFinite } from "#lib/diffusion/non-finite.ts";
import { pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { openText } from "#lib/diffusion/pipeline.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import type { Tick } from "#lib/measure/tick.ts";
import type { Recipe } from "../recipe.ts";
import type { Subject } from "../subject.ts";
import { drawStates } from "./draw-states.ts";
import type { StatePieces } from "./state-pieces.ts";
import { statesIn, walksOf } from "./walks.ts";

/** Draws every piece that is not there yet, with progress in predictions. @returns what all of them took, in seconds */
export async function drawMissing(
  { files, parts, runtime }: Subject,
  recipe: Recipe,
  prompts: readonly string[],
  pieces: StatePieces,
  tick: Tick,
): Promise<number> {
  const all = walksOf(recipe.teacher);
  const total = all.reduce((sum, one) => sum + statesIn(one), 0);
  const { model } = files;
  await namingNonFinite(files, async () => {
    await using opened = new AsyncDisposableStack();
    const keep = <T extends { close(): Promise<void> }>(network: T): T => opened.adopt(network, (one) => one.close());
    const open = async () => {
      const text = keep(await openText(files, runtime));
      const unet = keep(await openUNet(parts, runtime));
      const size = wholePicture(pictureSizeOf(model, parts));
      return { text, unet, size, empty: await text.condition([null], size) };
    };
    let networks: Awaited<ReturnType<typeof open>> | null = null;
    let done = 0;
    for (const walks of all) {
      const { piece, first, count } = walks;
      if (!(await pieces.has(piece))) {
        const { text, unet, size, empty } = (networks ??= await open());
        const own = Array.from({ length: count }, (_, i) => prompts[(first + i) % prompts.length]!);
        const teacher = {
          networks: { unet, cfgLayout: cfgLayoutFor(model.unet.weights.parameters) },
          schedule: model.schedule,
          prompted: await text.condition(own, size),
          empty,
          shape: [model.unet.config.inChannels, parts.height, parts.width],
        };
        const begun = performance.now();
        let drawn = done;
        const states = await drawStates(teacher, walks, recipe, () => tick((drawn += count), total));
        await pieces.write(piece, { ...states, seconds: (performance.now() - begun) / 1000 });
      }
      done += statesIn(walks);
    }
  });
  let seconds = 0;
  for (const { piece } of all) seconds += await pieces.seconds(piece);
  return seconds;
}
