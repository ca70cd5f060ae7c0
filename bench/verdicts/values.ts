import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Scores } from "#lib/pairing/recovery.ts";
import { type Style, styleNames } from "./styles.ts";

/** What guide-tiny was measured to keep of prompts such as a hub draws, one by one: [conditional, guide, CFG]. Made by `make-values.ts`. */
const schema = z.record(
  z.enum(styleNames as [Style, ...Style[]]),
  z.array(z.tuple([z.number(), z.number(), z.number()])),
);

export const valuesPath = fileURLToPath(new URL("values.json", import.meta.url));

export async function readValues(): Promise<Record<Style, Scores[]>> {
  const rows = schema.parse(JSON.parse(await readFile(valuesPath, "utf8")));
  const scores = Object.entries(rows).map(([style, values]) => [
    style,
    values.map(([conditional, guide, cfg]): Scores => ({ conditional, guide, cfg })),
  ]);
  return Object.fromEntries(scores) as Record<Style, Scores[]>;
}
