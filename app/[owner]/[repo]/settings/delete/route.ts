import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { deleteRepo } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import { pathTo } from "#lib/http/path-to.ts";

export const POST = formRoute({
  page: ({ owner, repo }) => pathTo(owner!, repo!, "settings"),
  schema: z.object({ confirm: z.string() }),
  kept: [],
  async submit({ confirm }, request, { owner, repo }) {
    if (confirm.trim() !== repo)
      throw new AppError("bad_request", `That is not its name; type ${repo} to delete it. Nothing was changed.`, {
        field: "confirm",
      });
    await deleteRepo(await actorOf(request.headers), { owner: owner!, repo });
    return new Headers({ Location: pathTo(owner!) });
  },
});
