import { z } from "zod";
import { storableText } from "#lib/catalog/plain-text.ts";
import { pageOf, pageQuery } from "#lib/page.ts";

export const refItem = z.object({
  name: z.string(),
  kind: z.enum(["branch", "tag"]),
  commit: z.string().meta({ description: "40 hexadecimal digits" }),
  updatedAt: z.iso.datetime(),
});
export type RefItem = z.output<typeof refItem>;

/** As many as a repo may have, where nothing is said: most programs want them all. */
export const MAX_REFS = 1_000;

export const refQuery = z.object({
  ...pageQuery.shape,
  limit: z.coerce.number().int().min(1).max(MAX_REFS).default(MAX_REFS),
});
export type RefQuery = z.output<typeof refQuery>;
export const refList = pageOf(refItem);

/** A name that may exist. What git allows, the database knows; what may be made anew, the service. */
export const refName = storableText(255).min(1);

export const newRef = z.strictObject({
  name: refName,
  kind: z.enum(["branch", "tag"]),
  revision: storableText(255).default("HEAD").meta({ description: "a branch, a tag or a commit" }),
});
export type NewRef = z.output<typeof newRef>;
