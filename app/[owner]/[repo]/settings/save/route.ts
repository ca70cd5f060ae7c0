import { z } from "zod";
import { repoChange } from "#lib/catalog/repos/schema.ts";
import { updateRepo } from "#lib/catalog/repos/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { pathTo } from "#lib/http/path-to.ts";

const { license, summary, tags, base, visibility } = repoChange.shape;
const emptyAsNull = (text: unknown): unknown => (text === "" ? null : text);
const words = (text: unknown): unknown =>
  typeof text === "string"
    ? text
        .split(",")
        .map((word) => word.trim())
        .filter(Boolean)
    : text;

export const POST = formRoute({
  does: operations.updateRepo,
  page: ({ owner, repo }) => pathTo(owner!, repo!, "settings"),
  schema: z.object({
    summary,
    visibility,
    license: z.preprocess(emptyAsNull, license),
    base: z.preprocess(emptyAsNull, base),
    tags: z.preprocess(words, tags),
  }),
  kept: ["summary", "license", "tags", "base", "visibility"],
  async submit({ actor, input: { base, visibility, ...change }, params: { owner, repo } }) {
    const item = await updateRepo(
      actor,
      { owner: owner!, repo: repo! },
      { ...change, ...(base !== undefined && { base }) },
    );
    // Who may write may not always say who sees it; then nothing is asked of that.
    if (visibility !== undefined && visibility !== item.visibility)
      await updateRepo(actor, { owner: owner!, repo: repo! }, { visibility });
    return new Headers({ Location: pathTo(owner!, repo!) });
  },
});
