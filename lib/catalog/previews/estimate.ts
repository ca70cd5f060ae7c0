import type { QueuePosition } from "#lib/queue/position.ts";
import { ratesFor } from "#lib/queue/rates.ts";
import { nativeSizeOf } from "#lib/catalog/models/service.ts";
import { workOf } from "./ask.ts";
import { timingsOf } from "./repository.ts";
import { type Drawing, type Estimate, passesFor, type Timings } from "./schema.ts";

/** Until all pictures of a preview that waits are there: what is ahead of it, and its own time. Says what that rests on. */
export async function estimateFor(
  finetuneCommitId: string,
  recipe: Drawing,
  position: QueuePosition,
): Promise<Estimate> {
  if (position.workers === 0) return { seconds: null, why: "No worker is online; it begins as soon as one is." };
  if (position.problem !== null) return { seconds: null, why: position.problem };
  if (position.seconds === null) return { seconds: null, why: "How long what is before it takes is not known yet." };
  const own = secondsFor(
    { passes: passesFor(recipe), pixels: await pixelsOf(finetuneCommitId, recipe) },
    await timingsOf(finetuneCommitId, RECENT),
  );
  const rate = own === null ? (await ratesFor()).of("preview") : null;
  const any = own ?? (rate && rate * workOf(recipe));
  if (any === null) return { seconds: null, why: "Nothing has been drawn here yet that tells how long it takes." };
  return {
    seconds: Math.ceil(position.seconds + any),
    why:
      own === null
        ? "As long as the last previews took, of whatever model."
        : "As long as the last pictures of this model took, step by step.",
  };
}

const RECENT = 5;

/** Of one picture; null where nothing tells what size the model draws. */
async function pixelsOf(finetuneCommitId: string, { asked: { width, height } }: Drawing): Promise<number | null> {
  if (width !== null && height !== null) return width * height;
  const native = await nativeSizeOf(finetuneCommitId);
  return native && native.width * native.height;
}

/** The middle one of earlier previews, each scaled to this many passes of so many pixels. Null without any. */
function secondsFor(
  { passes, pixels }: { readonly passes: number; readonly pixels: number | null },
  earlier: readonly Timings[],
): number | null {
  const all = earlier.map(({ open, modes, pixels: before }) => {
    const larger = pixels !== null && before !== undefined ? pixels / before : 1;
    const drawn = Object.values(modes);
    const sum = (of: (one: (typeof drawn)[number]) => number): number =>
      drawn.reduce((total, one) => total + of(one), 0);
    const pass = sum(({ seconds }) => seconds) / sum((one) => one.passes);
    return open + larger * (sum(({ decode }) => decode) + passes * pass);
  });
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? null;
}
