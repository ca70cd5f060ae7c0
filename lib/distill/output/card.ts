import { thousands } from "#lib/util/thousands.ts";
import type { DistillRecord } from "./record.ts";

/** A README that says what the guide is, how it was made and what was measured; a person adds a licence and the base's repo. */
export function guideCard(record: DistillRecord): string {
  const { base, guide, recipe, states, seconds, runtime, heldOut } = record;
  const { training } = recipe;
  const [low, high] = guide.guidance;
  const percent = (100 * guide.share).toFixed(3);
  const three = (value: number): string => value.toFixed(3);
  return `---
tags: [guide]
summary: ${JSON.stringify(`A guide of ${percent}% of ${base.name}, for guidance from ${low} to ${high}.`)}
---

# A ${guide.variant} guide for ${code(base.name)}

It stands in for classifier-free guidance (CFG): beside its base, or a fine-tune of it, one pass a step is enough for any guidance from ${low} to ${high}.

\`\`\`sh
npx guidepost sample MODEL --prompt "…" --mode guide --guide guide.safetensors -o picture.png
npx guidepost check MODEL guide.safetensors   # whether it works on a model
\`\`\`

## How it was made

By Guidepost ${record.guidepost} (\`guidepost distill\`), which trained the guide and left the base as it was.

| | |
|---|---|
| base | ${code(base.name)}, UNet sha256 \`${base.sha256}\`, before and after |
| guide | widths ${guide.widths.join("/")}, ${thousands(guide.parameters)} parameters, ${percent}% of the base's ${thousands(base.parameters)} |
| states | ${thousands(states.count)} of ${thousands(recipe.teacher.trajectories)} walks of the base's own under CFG (${thousands(recipe.prompts.count)} prompts: ${recipe.prompts.source}) |
| training | ${thousands(training.steps)} steps of ${training.batch}, AdamW, learning rate ${training.learningRate} with a cosine, running average, seed ${recipe.seed} |
| work | ${minutes(seconds.states)} for the states, ${minutes(seconds.training)} for the training, on ${runtime.threads} ${runtime.threads === 1 ? "thread" : "threads"} of ${runtime.provider} |

\`record.json\` has the whole recipe, \`prompts.txt\` the prompts, \`curves.csv\` each step;
[curves.svg](curves.svg) draws loss and held-out figures over them.

## What was measured

On ${recipe.heldOut.prompts} prompts that it was not trained on, ${recipe.heldOut.steps} steps each: of CFG's correction of a single step ${three(heldOut.fvu)} is left unexplained,
${three(heldOut.delivered)} delivered along its own direction, at a cosine of ${three(heldOut.cosine)}.

| guidance | unexplained | delivered | cosine |
|---|---|---|---|
${heldOut.byGuidance.map((row) => `| ${row.guidanceScale} | ${three(row.fvu)} | ${three(row.delivered)} | ${three(row.cosine)} |`).join("\n")}

Single steps say little about pictures. What its pictures are worth, on the base and on each fine-tune, \`guidepost check\` or a hub says.

## What it cannot do

It fits this base and its fine-tunes only, guidance from ${low} to ${high}, and no negative prompt.
`;
}

/** A name that somebody chose, as code: nothing in it can end that. */
const code = (name: string): string => `\`${name.replaceAll(/[`\r\n]/g, "'")}\``;

const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
