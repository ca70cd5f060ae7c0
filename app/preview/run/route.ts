import { actorOf } from "#lib/auth/actor-of.ts";
import { newPreview } from "#lib/catalog/previews/schema.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { formRoute } from "#lib/http/form.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import { z } from "zod";

const number = z.string().transform((text) => (text.trim() === "" ? NaN : Number(text)));

/** The studio's form, where every number is text. */
const form = z
  .object({
    finetune: z.string(),
    revision: z.string().optional(),
    guide: z.string(),
    guideRevision: z.string().optional(),
    prompt: z.string(),
    negativePrompt: z.string(),
    seed: number,
    steps: number,
    guidance: number,
    cfgSteps: number,
    sampler: z.enum(samplerNames),
  })
  .transform(
    ({ guide, guidance, prompt, negativePrompt, revision, guideRevision, ...rest }): z.input<typeof newPreview> => ({
      ...rest,
      prompt: oneLine(prompt),
      negativePrompt: oneLine(negativePrompt) || null,
      guide: guide === "none" ? null : guide,
      ...(revision && { revision }),
      ...(guideRevision && { guideRevision }),
      guidanceScale: guidance,
    }),
  );

/** A form sends line breaks; a prompt has none. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

export const POST = formRoute({
  page: "/preview",
  schema: form.pipe(newPreview),
  kept: [],
  inAddress: [
    "finetune",
    "revision",
    "guide",
    "guideRevision",
    "prompt",
    "negativePrompt",
    "seed",
    "steps",
    "guidance",
    "cfgSteps",
    "sampler",
  ],
  submit: async (asked, request) => {
    const { id } = await createPreview(await actorOf(request.headers), asked);
    return new Headers({ Location: `/previews/${id}` });
  },
});
