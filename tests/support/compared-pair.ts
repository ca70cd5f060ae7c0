import { readFile } from "node:fs/promises";
import { recordOutcome } from "#lib/catalog/pairs/work.ts";
import { modes } from "#lib/catalog/previews/schema.ts";
import { recordPicture, recordSuccess } from "#lib/catalog/previews/work.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { database } from "#lib/db/client.ts";
import { encodePng } from "#lib/picture/png.ts";
import { readPng } from "#lib/picture/read-png.ts";
import type { RecipeJson } from "#lib/picture/recipe.ts";
import type { Picture } from "#lib/picture/rgb.ts";
import { claimJob } from "./attempts.ts";
import { nothingMeasured } from "./nothing-measured.ts";

export type DrawnMode = (typeof modes)[number];

export const comparedPrompts = Array.from(
  { length: 8 },
  (_, i) => `a big purple mushroom in the snow, number ${i + 1}`,
);

/** Ann's watercolor with her guide, measured as if by a worker, with a sheet of these pictures; its id. After `fillPreviewHub`. */
export async function fillComparedPair(pictureOf: (mode: DrawnMode, column: number) => Picture): Promise<string> {
  const repo = (name: string) => ({ repo: { name } });
  const { id: pair } = await database().pair.findFirstOrThrow({
    where: { finetuneCommit: repo("watercolor"), guideCommit: repo("tiny") },
  });
  const outcome = {
    verdict: "notMeasured" as const,
    reasons: ["For a test."],
    summary: { request: { pictures: 48 }, measured: nothingMeasured },
    levels: [],
    next: null,
    prompts: comparedPrompts,
    machine: "test",
  };
  await recordOutcome(pair, (await claimJob("check", pair))!, outcome, addSheet);
  const columns = await database().preview.findMany({ where: { pairId: pair }, orderBy: { sheetIndex: "asc" } });
  for (const { id, sheetIndex } of columns) {
    const attempt = (await claimJob("preview", id))!;
    for (const [i, mode] of modes.entries()) {
      const picture = pictureOf(mode, sheetIndex!);
      const { width, height } = picture;
      await recordPicture(
        id,
        attempt,
        encodePng(picture, new Map([["parameters", mode]])),
        { mode, seed: 5n, width, height, passes: 20, milliseconds: 1, recipe: {} as RecipeJson },
        { mode, stage: "denoising", step: 20, steps: 20, passes: 20, modesDone: modes.slice(0, i + 1), picture: null },
      );
    }
    await recordSuccess(id, attempt, { open: 0, modes: {}, notes: [] });
  }
  return pair;
}

/** Of docs/pictures, where four lie in a row. */
export async function drawnPictures(): Promise<(mode: DrawnMode, column: number) => Picture> {
  const rows = new Map<DrawnMode, Picture>();
  for (const mode of modes) {
    const path = new URL(`../../docs/pictures/watercolor-${mode}.png`, import.meta.url);
    rows.set(mode, readPng(await readFile(path), mode));
  }
  return (mode, column) => {
    const { width, height, rgb } = rows.get(mode)!;
    const left = (column % (width / height)) * height;
    const lines = Array.from({ length: height }, (_, y) =>
      rgb.subarray(3 * (y * width + left), 3 * (y * width + left + height)),
    );
    return { width: height, height, rgb: new Uint8Array(Buffer.concat(lines)) };
  };
}
