import { z } from "zod";
import { cancelSubject, rerunSubject } from "#lib/catalog/jobs/service.ts";
import { AppError } from "#lib/errors.ts";
import { formRoute } from "#lib/http/form.ts";
import { cancelJob, rerunJob } from "#lib/http/operations/jobs.ts";
import { pathTo } from "#lib/http/path-to.ts";

/** The buttons of a job. */
export const POST = formRoute({
  does: { cancel: cancelJob, rerun: rerunJob },
  page: ({ subjectId }) => pathTo("jobs", subjectId!),
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { subjectId, action } }) {
    if (!z.uuid().safeParse(subjectId).success) throw new AppError("not_found", "There is no job of that id.");
    if (action === "rerun") return new Headers({ Location: `/jobs/${await rerunSubject(actor, subjectId!)}` });
    await cancelSubject(actor, subjectId!);
    return new Headers({ Location: `/jobs/${subjectId}` });
  },
});
