import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import { seedJson, toSeedJson } from "./seed.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a sha256 in lower-case hex");
const shortText = z.string().min(1).max(64);
const prompt = z.string().max(16_384);
const count = (max: number) => z.int().min(1).max(max);

/** A file that decided the picture. `strength` is that of a LoRA: 1 = as it was trained. */
const RecipeFile = z.strictObject({
  role: z.enum([
    "checkpoint",
    "unet",
    "textEncoder",
    "vae",
    "tokenizer",
    "schedule",
    "guide",
    "lora",
    "embedding",
    "config",
  ]),
  name: z.string().min(1).max(255),
  sha256,
  /** Of a LoRA's tensors alone, without its header: what other tools name it by. */
  tensorsSha256: sha256.exactOptional(),
  strength: z.number().min(-100).max(100).exactOptional(),
  /** Of a LoRA in the text encoders, where it is another than in the UNet. */
  textStrength: z.number().min(-100).max(100).exactOptional(),
  /** Of a textual inversion: how prompts name it, where it is not as the file does. */
  word: z.string().min(1).max(128).exactOptional(),
});

/** A recipe as JSON carries it. */
export const RecipeJson = z
  .strictObject({
    /** Version of Guidepost. */
    guidepost: shortText,
    prompt,
    negativePrompt: prompt.nullable(),
    /** How both prompts are read; plain where nothing is said. */
    promptSyntax: z.enum(promptSyntaxes).exactOptional(),
    /** How many layers of the text encoders were left out at their end; none where nothing is said. */
    clipSkip: count(64).exactOptional(),
    /** How far CFG's contrast was brought back to the prompt's (Lin et al. 2024, arXiv 2305.08891, section 3.4). */
    guidanceRescale: z.number().gt(0).max(1).exactOptional(),
    /** The picture that the walk began at, and how far it went from it; none where nothing is said. */
    picture: z.strictObject({ sha256, strength: z.number().gt(0).max(1) }).exactOptional(),
    /** By which all that the guide adds was multiplied; 1, as it was made, where nothing is said. */
    guideStrength: z.number().min(0).max(100).exactOptional(),
    mode: z.enum(["conditional", "guide", "cfg"]),
    /** 1 = none. */
    guidanceScale: z.number().min(0).max(100),
    /** How many of the first steps ran under CFG. */
    cfgSteps: z.int().min(0).max(1000),
    steps: count(1000),
    sampler: z.enum(samplerNames),
    /** Drew the first latents; null where `latents` names the file that held them. */
    seed: seedJson.nullable(),
    latents: z.strictObject({ sha256 }).nullable(),
    batch: count(1024),
    /**
     * How one seed drew a batch: as one stream for all pictures where nothing is said, else each picture from seed,
     * seed + 1, …
     */
    noise: z.enum(["one stream", "a seed each"]).exactOptional(),
    /** Pixels. */
    width: count(16_384),
    height: count(16_384),
    /** What the model goes by: its folder's name. */
    model: z.string().min(1).max(255),
    files: z.array(RecipeFile).max(1024), // a large model comes in any number of shards
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

export type RecipeJson = z.infer<typeof RecipeJson>;

/** All that made a picture: who has the same files and runtime makes the same picture again. */
export interface Recipe extends Omit<RecipeJson, "seed"> {
  readonly seed: bigint | null;
}

export type FileRole = Recipe["files"][number]["role"];

/** JSON with the keys in the order above, so that equal recipes are equal texts. */
export const serialiseRecipe = (recipe: Recipe): string => JSON.stringify(checked(toRecipeJson(recipe)));

export const toRecipeJson = ({ seed, ...recipe }: Recipe): RecipeJson => ({
  ...recipe,
  seed: seed === null ? null : toSeedJson(seed),
});

/**
 * Reads what `serialiseRecipe` wrote, or anyone else: an unknown key, a missing one or one out of its range is refused
 * by name.
 */
export function parseRecipe(text: string): Recipe {
  if (text.length > MAX_CHARACTERS)
    throw new AppError(
      "bad_request",
      `This recipe is ${text.length} characters long, more than any picture needs; give the one a picture carries.`,
    );
  try {
    const { seed, ...recipe } = checked(JSON.parse(text));
    return { ...recipe, seed: seed === null ? null : BigInt(seed) };
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("bad_request", "This recipe is not valid JSON; give the one a picture carries.", {}, cause);
  }
}

const MAX_CHARACTERS = 2 ** 20; // as much text as we read from a PNG

function checked(value: unknown): RecipeJson {
  const result = RecipeJson.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
  throw new AppError(
    "bad_request",
    `This recipe cannot be used: ${path.join(".") || "it"}: ${message}; correct it or give the one a picture carries.`,
    { path },
  );
}
