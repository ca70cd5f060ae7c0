import { z } from "zod";
import { jobState } from "#lib/catalog/inspections/schema.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { fullName } from "#lib/catalog/repos/schema.ts";
import { pageOf, pageQuery } from "#lib/http/page.ts";
import { RecipeJson } from "#lib/picture/recipe.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/** Always drawn and shown in this order. */
export const modes = ["conditional", "guide", "cfg"] as const;
export const mode = z.enum(modes);
export type Mode = z.output<typeof mode>;

export const KEPT_DAYS = 30;

/** Marks that join letters are part of some scripts and stay; what controls a terminal or a page does not. */
const prompt = z
  .string()
  .max(2000)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "it holds a line break or a control character");
const revision = storableText(255).min(1);

const settings = {
  prompt: prompt.min(1, "it must not be empty"),
  negativePrompt: prompt
    .nullable()
    .default(null)
    .meta({ description: "what CFG stays away from; a guide cannot follow one, except in its CFG steps" }),
  seed: z
    .int()
    .min(0)
    .meta({ description: "the noise that all pictures begin with, as torch.randn draws it on a CPU" }),
  steps: z.int().min(1).max(100).default(20),
  guidanceScale: z.number().min(1).max(20).default(5).meta({ description: "1 is none" }),
  cfgSteps: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .meta({ description: "how many of the first steps CFG does before the guide takes over" }),
  sampler: z.enum(samplerNames).default("ddim"),
};

const asked = z.strictObject({
  finetune: fullName.meta({ description: "a fine-tune or a base" }),
  revision: revision.default("HEAD").meta({ description: "a branch, a tag or a commit" }),
  guide: fullName.nullable().default(null).meta({ description: "without one, only conditional and CFG are drawn" }),
  guideRevision: revision.default("HEAD"),
  ...settings,
});
export type Asked = z.output<typeof asked>;

/** As the database writes it, and tells who watches. */
const uuid = z.uuid().toLowerCase();
const id = uuid.optional().meta({ description: "yours to choose: asking again with the same shows the same preview" });

export const newPreview = asked.extend({ id });
export type NewPreview = z.output<typeof newPreview>;

export const rerun = z.strictObject({ id });

const commit = z.object({ commitId: z.string(), name: z.string() });
const commitFile = commit.extend({ path: z.string() });

/** `preview.recipe`: what was asked for, and the commits it is drawn with, however repos move on. */
export const storedRecipe = z.object({
  asked,
  base: commit,
  lowRank: z.array(commitFile),
  guide: commitFile.nullable(),
});
export type StoredRecipe = z.output<typeof storedRecipe>;

/** Which pictures a recipe asks for. */
export const modesOf = ({ guide }: StoredRecipe): Mode[] => modes.filter((one) => one !== "guide" || guide !== null);

/** What decides how much work a recipe is. */
export interface Drawing {
  readonly asked: Pick<Asked, "steps" | "guidanceScale" | "cfgSteps">;
  readonly guide: object | null;
}

/** How often the base network runs for all pictures of a recipe. */
export function passesFor({ asked: { steps, guidanceScale, cfgSteps }, guide }: Drawing): number {
  const drawn = guide === null ? 2 : 3;
  return guidanceScale === 1 ? drawn * steps : (drawn + 1) * steps + (guide === null ? 0 : cfgSteps);
}

const seconds = z.number();

/** `preview.timings`: of one worker, in the order of the modes. */
export const timings = z.object({
  open: seconds.meta({ description: "opening the networks, where they were not open already" }),
  modes: z.partialRecord(
    mode,
    z.object({
      seconds: seconds.meta({
        description: "of the denoising loop, with reading the prompt; the first mode warms the networks up",
      }),
      step: seconds.meta({ description: "the middle one of its steps, the first left out where there are more" }),
      decode: seconds,
      passes: z.number().meta({ description: "through the base network; one step of CFG counts as two" }),
    }),
  ),
  notes: z
    .array(z.string())
    .meta({ description: "what you should know of these pictures, such as a prompt that was cut" }),
});
export type Timings = z.output<typeof timings>;

export const progress = z.object({
  mode,
  stage: z.enum(["opening", "denoising", "decoding"]),
  step: z.number(),
  steps: z.number(),
  passes: z.number(),
  modesDone: z.array(mode),
  picture: z.string().nullable().meta({
    description: "a coarse look at what is coming, one pixel for each latent, as the address data:image/png;base64,…",
  }),
});
export type Progress = z.output<typeof progress>;

const side = z.object({ repo: fullName, commit: z.string() });

const picture = z.object({
  mode,
  url: z.string(),
  width: z.number(),
  height: z.number(),
  passes: z.number(),
  seconds: seconds.meta({ description: "of the denoising loop" }),
});
export type Picture = z.output<typeof picture>;

export const previewItem = z.object({
  id: z.uuid(),
  state: jobState,
  problem: z.string().nullable().meta({ description: "why it failed" }),
  url: z.string(),
  finetune: side,
  guide: side.nullable(),
  ...settings,
  pictures: z.array(picture),
  isMine: z.boolean(),
  isAttached: z.boolean().meta({ description: "shown on the model's page" }),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable().meta({ description: "when it is removed; null: it is kept" }),
});
export type PreviewItem = z.output<typeof previewItem>;

export const estimate = z.object({
  seconds: z.number().nullable().meta({ description: "until all pictures are there; null where nothing tells" }),
  why: z.string(),
});
export type Estimate = z.output<typeof estimate>;

export const forecastQuery = z.object({
  finetune: fullName,
  revision: revision.default("HEAD"),
  guide: fullName.optional().meta({ description: "left out where only conditional and CFG are to be drawn" }),
  steps: z.coerce.number().int().min(1).max(100).default(20),
  guidanceScale: z.coerce.number().min(1).max(20).default(5),
  cfgSteps: z.coerce.number().int().min(0).max(100).default(0),
});
export type ForecastQuery = z.output<typeof forecastQuery>;

export const forecast = estimate.extend({
  passes: z.number().meta({ description: "through the base network, of all pictures" }),
  ahead: z.number().meta({ description: "jobs that would be begun before it" }),
  running: z.number(),
  workers: z.number(),
});
export type Forecast = z.output<typeof forecast>;

export const previewView = previewItem.extend({
  pictures: z.array(
    picture.extend({
      recipe: RecipeJson.nullable().meta({ description: "all that made it; the picture carries the same" }),
    }),
  ),
  attempt: z.number().meta({ description: "more than 1 where its worker was lost and another has taken over" }),
  queue: z
    .object({ ahead: z.number(), running: z.number(), workers: z.number() })
    .nullable()
    .meta({ description: "its place while it waits" }),
  estimate: estimate.nullable().meta({ description: "while it waits" }),
  progress: progress.nullable(),
  timings: timings.nullable(),
});
export type PreviewView = z.output<typeof previewView>;

export const previewQuery = z.object({
  ...pageQuery.shape,
  mine: z.stringbool().default(false),
  attached: z.stringbool().default(false).meta({ description: "only those that are shown on a model's page" }),
  sheet: z
    .stringbool()
    .default(false)
    .meta({ description: "those that the hub itself drew of measured pairs, which else are left out" }),
  finetune: fullName.optional(),
  guide: fullName.optional(),
});
export type PreviewQuery = z.output<typeof previewQuery>;
export const previewList = pageOf(previewItem);

export const previewParams = z.object({ id: uuid });
export const pictureParams = previewParams.extend({ mode });
export const pictureQuery = z.object({
  v: z
    .string()
    .max(64)
    .optional()
    .meta({ description: "which picture, as its address has it: it may then be kept for ever" }),
});
export const attachment = z.strictObject({ attached: z.boolean() });
