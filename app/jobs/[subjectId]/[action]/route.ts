import { z } from "zod";
import { actorOf } from "#lib/auth/actor-of.ts";
import { cancelSubject, rerunSubject } from "#lib/catalog/jobs/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import { pathTo } from "#lib/http/path-to.ts";

/** The buttons of a job: `cancel` and `rerun`. */
export const POST = formRoute({
  page: ({ subjectId }) => pathTo("jobs", subjectId!),
  schema: z.object({}),
  kept: [],
  async submit(_input, request, { subjectId, action }) {
    const actor = await actorOf(request.headers);
    const id = z.uuid().safeParse(subjectId).data;
    if (id === undefined) throw new AppError("not_found", "There is no job of that id.");
    if (action === "cancel") await cancelSubject(actor, id);
    else if (action !== "rerun") throw new AppError("not_found", "There is no such button.");
    return new Headers({ Location: `/jobs/${action === "rerun" ? await rerunSubject(actor, id) : id}` });
  },
});
