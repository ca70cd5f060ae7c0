import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { usualChoice } from "#lib/pairing/guide-choice.ts";
import { costQuery, newDistillation, type NewDistillation } from "./schema.ts";

/** What decides the cost, as it stands in an address; what is left empty is as usual. */
export const distillationSettings = costQuery.pick({
  kind: true,
  share: true,
  steps: true,
  batch: true,
  trajectories: true,
});

const strength = (usual: number) => z.coerce.number("it must be a number").default(usual);
const emptyAsUsual = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === "" ? undefined : value), schema);

/** The fields of a form, all of them text. */
export const distillationForm = z.object({
  base: fullName,
  name: z.string().trim().min(1, "it needs a name").max(200),
  visibility: emptyAsUsual(newDistillation.shape.visibility),
  kind: emptyAsUsual(newDistillation.shape.kind),
  share: emptyAsUsual(costQuery.shape.share),
  low: emptyAsUsual(strength(usualChoice.guidance.low)),
  high: emptyAsUsual(strength(usualChoice.guidance.high)),
  steps: emptyAsUsual(costQuery.shape.steps),
  batch: emptyAsUsual(costQuery.shape.batch),
  trajectories: emptyAsUsual(costQuery.shape.trajectories),
  prompts: z.string().default(""),
});

/** The same as the API takes it. @param owner whose repo it becomes where the name does not say @throws bad_request, with the field */
export function toNewDistillation(
  { name, low, high, prompts, ...asked }: z.output<typeof distillationForm>,
  owner: string,
): NewDistillation {
  const lines = prompts.split("\n").filter((line) => line.trim() !== "");
  const parts = name.split("/");
  const parsed = newDistillation.safeParse({
    ...asked,
    owner: parts.length > 1 ? parts[0] : owner,
    name: parts.at(-1),
    guidance: { low, high },
    prompts: lines.length > 0 ? lines : null,
  });
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new AppError("bad_request", `${message[0]!.toUpperCase()}${message.slice(1)}.`, { field: String(path[0]) });
}
