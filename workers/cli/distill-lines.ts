import { join } from "node:path";
import type { DistillRecord } from "#lib/distill/output/record.ts";
import type { Plan } from "#lib/distill/plan-schema.ts";
import { printable } from "#lib/util/printable.ts";
import { showBytes } from "#lib/util/show-bytes.ts";
import { thousands } from "#lib/util/thousands.ts";

/** What a run is and costs, before it begins. */
export function planLines({ base, guide, prompts, states, training, memory, disk, seconds }: Plan): string[] {
  const [low, high] = guide.guidance;
  const ofMemory = memory.budget === null ? "" : ` of ${showBytes(memory.budget)} that may be used`;
  return [
    `base      ${base.name}, ${thousands(base.parameters)} parameters, all frozen; sha256 ${base.sha256}`,
    `guide     ${guide.variant}, widths ${guide.widths.join("/")}: ${thousands(guide.parameters)} parameters, ${share(guide.parameters, base.parameters)} of the base's; guidance ${low} to ${high}`,
    `states    ${thousands(states.count)} of ${thousands(states.walks)} walks of the base's own (${thousands(prompts.count)} prompts: ${prompts.source}), ${thousands(states.passes)} passes`,
    `training  ${thousands(training.steps)} steps of ${training.batch}`,
    `work      ${tera(states.macs)} multiply–accumulates for the states, ${tera(training.macs)} for the training`,
    `memory    about ${showBytes(memory.need)}${ofMemory}`,
    `disk      ${showBytes(disk.need)} while it runs, ${showBytes(disk.free)} are free`,
    ...(seconds
      ? [
          `time      about ${showSeconds(seconds.states + seconds.training)}: ${showSeconds(seconds.states)} for the states, ${showSeconds(seconds.training)} for the training`,
        ]
      : []),
  ].map(printable);
}

/** What came of it, and what to do with it. */
export function distilledLines(folder: string, { base, guide, heldOut, seconds, recipe }: DistillRecord): string[] {
  const file = join(folder, "guide.safetensors");
  return [
    `Wrote ${file}: ${thousands(guide.parameters)} parameters, ${share(guide.parameters, base.parameters)} of ${base.name}, sha256 ${guide.sha256}`,
    `  ${thousands(recipe.training.steps)} steps in ${showSeconds(seconds.training)}, after ${showSeconds(seconds.states)} for the base's states; the base is as it was`,
    `  held out   unexplained ${heldOut.fvu.toFixed(3)}   delivered ${heldOut.delivered.toFixed(3)}   cosine ${heldOut.cosine.toFixed(3)}`,
    ...heldOut.byGuidance.map(
      (row) =>
        `   w = ${String(row.guidanceScale).padEnd(8)} unexplained ${row.fvu.toFixed(3)}   delivered ${row.delivered.toFixed(3)}   cosine ${row.cosine.toFixed(3)}`,
    ),
    `What its pictures are worth: npx guidepost check MODEL ${file}`,
  ];
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(3)}%`;
const tera = (macs: number): string => (macs < 1e12 ? `${(macs / 1e9).toFixed(1)} G` : `${(macs / 1e12).toFixed(1)} T`);

/** “40 s”, “12 min”, “3.5 h” */
export function showSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
