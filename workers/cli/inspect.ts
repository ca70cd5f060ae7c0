import { Command } from "commander";
import type { Model } from "#lib/diffusion/model.ts";
import type { Amount, Metadata, Part } from "#lib/inspection/facts.ts";
import type { Inspection } from "#lib/inspection/inspection.ts";
import { lookInto } from "#lib/inspection/inspect-path.ts";
import { lookIntoSource } from "#lib/inspection/inspect-file.ts";
import { printable } from "#lib/util/printable.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { thousands as count } from "#lib/util/thousands.ts";
import { isUrl, openUrl } from "#lib/weights/http-source.ts";
import { say } from "./say.ts";

export const inspectCommand = new Command("inspect")
  .description(
    "Say what a file or folder is, judged by its tensors: kind, family, types, parameters, metadata, and what would run it.",
  )
  .argument("<path>", "a weights file, its address (https://…), a diffusers folder or one of its components")
  .option("--json", "print one JSON object, with all metadata", false)
  .action(run);

async function run(path: string, { json }: { json: boolean }): Promise<void> {
  const isOnWeb = isUrl(path);
  const { inspection, model } = isOnWeb ? await lookIntoSource(await openUrl(path)) : await lookInto(path);
  const needs = await needsOf(path, inspection, model);
  say(json, { ...inspection, needs }, () => inspectionLines(inspection, needs, isOnWeb));
}

/** What drawing one picture at a model's own size takes: pixels, and bytes of memory. */
interface Needs {
  readonly width: number;
  readonly height: number;
  readonly memory: number;
}

/** Of what runs by itself. A single file that runs with another's config only is not asked. What it takes is loaded only now. */
async function needsOf(path: string, { kind, runs }: Inspection, read: Model | null): Promise<Needs | null> {
  if (!runs || !(read || kind === "diffusers folder")) return null;
  const { ownNeed } = await import("#lib/diffusion/needs.ts");
  const model = read ?? (await (await import("#lib/diffusion/open-model.ts")).openModel(path));
  const { size, peak } = ownNeed({ model, lowRank: [], embeddings: [], guide: null });
  return { ...size, memory: peak };
}

type Row = readonly [label: string, value: string];

/** A table for people. */
export function inspectionLines(inspection: Inspection, needs: Needs | null = null, headerOnly = false): string[] {
  const rows: Row[] = [
    ["name", inspection.name],
    ["kind", inspection.form ? `${inspection.kind} (${inspection.form})` : inspection.kind],
    ...optional("family", inspection.family),
    ...optional("stored as", types(inspection)),
    ["parameters", `${count(inspection.parameters)} in ${count(inspection.tensors)} tensors`],
    ...list(
      "holds",
      columns(
        inspection.parts.map((part) => [part.name, count(part.parameters), types(part), notes(part, inspection)]),
      ),
    ),
    ...details(inspection, headerOnly),
    ...optional(
      "config",
      inspection.weightsFitConfig === null
        ? null
        : `the weights are ${inspection.weightsFitConfig ? "" : "not "}those it calls for`,
    ),
    ["runs", inspection.whatRuns],
    ...optional("needs", needs && `about ${showBytes(needs.memory)} of memory for ${needs.width} × ${needs.height} px`),
    ...inspection.problems.map((problem): Row => ["problem", problem]),
    ...list("metadata", metadataLines(inspection.metadata)),
  ];
  return columns(rows);
}

function notes({ problem, family }: Part, { problems }: Inspection): string {
  if (problem === null) return family ?? "";
  return problems.includes(problem) ? "not readable" : problem;
}

function details(inspection: Inspection, headerOnly: boolean): Row[] {
  const { kind, lineage, prediction, zeroTerminalSnr, steps, lowRank, guide, evaluator, latents } = inspection;
  const predicts = prediction ? `${prediction.type}, according to ${prediction.from}` : "not recorded";
  return [
    ...optional("made from", lineage && `${lineage.name}, according to ${lineage.from}`),
    ...optional("predicts", prediction || models.has(kind) ? predicts : null),
    ...optional("noise", zeroTerminalSnr ? "ends in pure noise (zero terminal SNR)" : null),
    ...optional("steps", steps === null ? null : `made for ${count(steps)}`),
    ...optional(
      "layers",
      lowRank &&
        Object.entries(lowRank.layers)
          .map(([network, layers]) => `${count(layers)} in the ${network}`)
          .join(", "),
    ),
    ...optional("rank", lowRank && several(lowRank.ranks, "not told by its shapes")),
    ...optional(
      "alpha",
      lowRank && several(lowRank.alphas, headerOnly ? "not read" : "not recorded, so equal to the rank"),
    ),
    ...optional(
      "shortens",
      lowRank &&
        lowRank.accelerator &&
        `sampling (${lowRank.accelerator.name}, according to ${lowRank.accelerator.from}): ` +
          `sampler ${lowRank.accelerator.sampler}, guidance ${lowRank.accelerator.guidance}`,
    ),
    ...list(
      "trigger",
      (lowRank?.triggers ?? []).map(({ words, from }) => `${cut(words)}, according to ${from}`),
    ),
    ...optional("variant", guide && guide.variant),
    ...optional("widths", guide && guide.widths.join("/")),
    ...optional(
      "guidance",
      guide && `${guide.minGuidance} to ${guide.maxGuidance}, reference ${guide.referenceGuidance}`,
    ),
    ...optional("made for", guide && `the base with sha256 ${guide.base.sha256}`),
    ...optional(
      "training",
      guide &&
        Object.entries(guide.trainedOn)
          .map(([key, value]) => `${key.replace("train.", "")} ${cut(value)}`)
          .join(", "),
    ),
    ...optional(
      "knows",
      evaluator &&
        Object.entries(evaluator.words)
          .map(([what, words]) => `${words} ${what}`)
          .join(", "),
    ),
    ...optional("tried on", evaluator && evaluator.domains.join(", ")),
    ...optional("latents", latents && `[${latents.join(", ")}]`),
  ];
}

const models: ReadonlySet<string> = new Set(["diffusers folder", "single-file checkpoint", "unet"]);

const optional = (label: string, value: string | null): Row[] => (value ? [[label, value]] : []);

/** Lines under one label. */
const list = (label: string, lines: readonly string[]): Row[] => lines.map((line, i) => [i === 0 ? label : "", line]);

/** Names and metadata are text of strangers, so every cell is made printable. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const safe = rows.map((row) => row.map(printable));
  const widths = (safe[0] ?? []).map((_cell, column) => Math.max(...safe.map((row) => row[column]!.length)));
  return safe.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

const SHOWN_KEYS = 20;
const SHOWN_CHARACTERS = 120;

function metadataLines(metadata: Metadata): string[] {
  const entries = Object.entries(metadata);
  const more = entries.length - SHOWN_KEYS;
  const shown = columns(entries.slice(0, SHOWN_KEYS).map(([key, value]) => [cut(key), cut(value)]));
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

const cut = (text: string): string => (text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);

function several(values: readonly number[], none: string): string {
  if (values.length === 0) return none;
  return values.length < 6 ? values.join(", ") : `${values[0]} to ${values.at(-1)}`;
}

const types = ({ dtypes }: Amount): string =>
  dtypes.map(({ dtype, share }) => (dtypes.length === 1 ? dtype : `${dtype} ${percent(share)}`)).join(", ");

function percent(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1%";
  return share > 0.999 && share < 1 ? "> 99.9%" : `${(100 * share).toFixed(1)}%`;
}
