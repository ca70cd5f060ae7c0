import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { jsonString } from "#lib/util/json-string.ts";
import type { Tensors } from "./facts.ts";

/** What an evaluator file says of itself: `__metadata__` of `format=evaluator/1`. */
export interface EvaluatorFacts {
  /** How many words of each kind it knows. */
  readonly words: Readonly<Record<"backgrounds" | "kinds" | "colors" | "sizes", number>>;
  /** The styles it was tried on. */
  readonly domains: readonly string[];
}

const count = jsonString(z.array(z.string()).min(2)).transform((words) => words.length);
const schema = z.object({
  format: z.literal("evaluator/1"),
  backgrounds: count,
  kinds: count,
  colors: count,
  sizes: count,
  held_out_accuracy: jsonString(z.record(z.string(), z.unknown())),
});

/** `file` is named in messages. The heads must be as many as the words need: background, then presence, colour and size of each kind. */
export function parseEvaluatorFacts(metadata: ReadonlyMap<string, string>, tensors: Tensors, file: string): EvaluatorFacts {
  const { data, error } = schema.safeParse(Object.fromEntries(metadata));
  if (error) {
    const [issue] = error.issues as [z.core.$ZodIssue];
    throw new AppError("unsupported_model", `${file} is not an evaluator we can run: "${issue.path.join(".")}" in its metadata is missing or malformed (${issue.message}); give an evaluator/1 file.`);
  }
  const { backgrounds, kinds, colors, sizes } = data;
  const [heads, needed] = [tensors.get("heads.weight")?.shape[0], backgrounds + kinds * (1 + colors + sizes)];
  if (heads !== needed) throw new AppError("weights_mismatch", `${file}: its words need ${needed} heads, and it has ${heads}; give the evaluator as it was made.`, { heads, needed });
  return { words: { backgrounds, kinds, colors, sizes }, domains: Object.keys(data.held_out_accuracy).toSorted() };
}
