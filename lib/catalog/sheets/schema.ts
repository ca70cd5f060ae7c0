import { z } from "zod";
import { jobState } from "#lib/catalog/inspections/schema.ts";
import type { PairItem } from "#lib/catalog/pairs/schema.ts";
import { mode } from "#lib/catalog/previews/schema.ts";

const picture = z.object({
  mode,
  url: z.string().meta({ description: "on this hub, from the slash on" }),
  width: z.number(),
  height: z.number(),
  passes: z.number(),
  seconds: z.number(),
});
export type SheetPicture = z.output<typeof picture>;

const row = z.object({
  preview: z.uuid().meta({ description: "which preview it is: with its recipe, and to be drawn again" }),
  index: z.number(),
  prompt: z.string(),
  seed: z.number(),
  state: jobState,
  pictures: z.object({ conditional: picture.nullable(), guide: picture.nullable(), cfg: picture.nullable() }),
});
export type SheetRow = z.output<typeof row>;

const timing = z.object({
  passes: z.number(),
  seconds: z.number().meta({ description: "of the denoising loop of one picture: the median" }),
  low: z.number().meta({ description: "first quartile" }),
  high: z.number().meta({ description: "third quartile" }),
  n: z.number(),
});

export const sheet = z.object({
  rows: z.array(row),
  done: z.number(),
  total: z.number(),
  timings: z
    .object({ conditional: timing, guide: timing, cfg: timing })
    .nullable()
    .meta({ description: "of the rows that are drawn; null before the first" }),
});
export type Sheet = z.output<typeof sheet>;

/** One picture of a sheet, as a card of a repo shows it. */
export interface CardPicture {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  readonly seed: number;
  /** What drew it. */
  readonly finetune: string;
  /** Of which measurement it is an example. */
  readonly pairId: string;
}

/** What the card of a repo shows beside what the repo says itself. */
export interface CardContent {
  /** Best evidence first. */
  readonly pictures: readonly CardPicture[];
  /** The measurement that the first picture belongs to: the best of those that were drawn. */
  readonly best: PairItem | null;
}

/** The pair that shows best what a guide does. */
export interface Showcase {
  readonly pair: PairItem;
  readonly sheet: Sheet;
}
