import { z } from "zod";
import { deleteRepo } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/repos.ts";
import { pathTo } from "#lib/http/path-to.ts";

export const POST = formRoute({
  does: operations.deleteRepo,
  page: ({ owner, repo }) => pathTo(owner!, repo!, "settings"),
  schema: z.object({ confirm: z.string() }),
  kept: [],
  async submit({ actor, input: { confirm }, params: { owner, repo } }) {
    if (confirm.trim() !== repo)
      throw new AppError("bad_request", `That is not its name; type ${repo} to delete it. Nothing was changed.`, {
        field: "confirm",
      });
    await deleteRepo(actor, { owner: owner!, repo: repo! });
    return new Headers({ Location: pathTo(owner!) });
  },
});
