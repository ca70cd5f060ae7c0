import { z } from "zod";
import { AppError } from "#lib/errors.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a sha256 in lower-case hex");
const shortText = z.string().min(1).max(64);
const prompt = z.string().max(16_384);
const count = (max: number) => z.int().min(1).max(max);

/** A file that decided the picture. `strength` is that of a LoRA: 1 = as it was trained. */
const RecipeFile = z.strictObject({
  role: z.enum(["unet", "textEncoder", "vae", "tokenizer", "schedule", "guide", "lora", "config"]),
  name: z.string().min(1).max(255),
  sha256,
  strength: z.number().min(-100).max(100).exactOptional(),
});

/** All that made a picture: who has the same files and runtime makes the same picture again. */
export const Recipe = z
  .strictObject({
    /** Version of Guidepost. */
    guidepost: shortText,
    prompt,
    negativePrompt: prompt.nullable(),
    mode: z.enum(["conditional", "guide", "cfg"]),
    /** 1 = none. */
    guidanceScale: z.number().min(0).max(100),
    /** How many of the first steps ran under CFG. */
    cfgSteps: z.int().min(0).max(1000),
    steps: count(1000),
    sampler: z.enum(["ddim", "dpmpp-2m"]),
    /** Drew the first latents; null where `latents` names the file that held them. */
    seed: z.int().nullable(),
    latents: z.strictObject({ sha256 }).nullable(),
    batch: count(1024),
    /** Pixels. */
    width: count(16_384),
    height: count(16_384),
    /** What the model goes by: its folder's name. */
    model: z.string().min(1).max(255),
    files: z.array(RecipeFile).max(64),
    runtime: z.strictObject({
      name: z.literal("onnxruntime-node"),
      version: shortText,
      provider: z.enum(["cpu", "cuda", "webgpu"]),
      precision: z.enum(["float32", "float16"]).default("float32"), // what nobody wrote while there was no other
      threads: count(4096),
      graph: z.string().min(1).max(255),
      cfg: z.enum(["one batch of two", "two passes"]),
    }),
    /** Passes through the UNet; one step of CFG counts as two. */
    passes: z.int().min(0).max(1_000_000),
  })
  .refine((recipe) => (recipe.seed === null) !== (recipe.latents === null), {
    error: "needs a seed or the file of the latents, not both",
    path: ["seed"],
  });

export type Recipe = z.infer<typeof Recipe>;
export type FileRole = Recipe["files"][number]["role"];

/** JSON with the keys in the order above, so that equal recipes are equal texts. */
export const serialiseRecipe = (recipe: Recipe): string => JSON.stringify(checked(recipe));

/** Reads what `serialiseRecipe` wrote, or anyone else: an unknown key, a missing one or one out of its range is refused by name. */
export function parseRecipe(text: string): Recipe {
  if (text.length > MAX_CHARACTERS)
    throw new AppError(
      "bad_request",
      `This recipe is ${text.length} characters long, more than any picture needs; give the one a picture carries.`,
    );
  try {
    return checked(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("bad_request", "This recipe is not valid JSON; give the one a picture carries.", {}, cause);
  }
}

const MAX_CHARACTERS = 2 ** 20; // as much text as we read from a PNG

function checked(value: unknown): Recipe {
  const result = Recipe.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
  throw new AppError(
    "bad_request",
    `This recipe cannot be used: ${path.join(".") || "it"}: ${message}; correct it or give the one a picture carries.`,
    { path },
  );
}
