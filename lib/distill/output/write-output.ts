import { join } from "node:path";
import { writeWhole } from "#lib/util/write-whole.ts";
import type { History } from "../run/history.ts";
import { guideCard } from "./card.ts";
import { curvesCsv } from "./curves-csv.ts";
import { curvesSvg } from "./curves-svg.ts";
import type { DistillRecord } from "./record.ts";

export interface Output {
  readonly guide: Uint8Array;
  readonly record: DistillRecord;
  readonly history: History;
  readonly prompts: readonly string[];
}

/** In the order in which they are written. */
export const outputNames = [
  "prompts.txt",
  "curves.csv",
  "curves.svg",
  "record.json",
  "README.md",
  "guide.safetensors",
] as const;

/** A folder as it can be published: the guide itself comes last, so that a folder with it has everything. */
export async function writeDistilled(folder: string, { guide, record, history, prompts }: Output): Promise<void> {
  const contents: Readonly<Record<(typeof outputNames)[number], string | Uint8Array>> = {
    "prompts.txt": `${prompts.join("\n")}\n`,
    "curves.csv": curvesCsv(history, record.recipe),
    "curves.svg": curvesSvg(history, `A ${record.guide.variant} guide of ${record.base.name}`),
    "record.json": `${JSON.stringify(record, null, 2)}\n`,
    "README.md": guideCard(record),
    "guide.safetensors": guide,
  };
  for (const name of outputNames) await writeWhole(join(folder, name), Buffer.from(contents[name]));
}
