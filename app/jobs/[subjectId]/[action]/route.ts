import { z } from "zod";
import { cancelSubject, rerunSubject } from "#lib/catalog/jobs/service.ts";
import { formRoute } from "#lib/http/form.ts";
import { cancelJob, rerunJob } from "#lib/http/operations/jobs.ts";
import { pathTo } from "#lib/http/path-to.ts";
import { requireId } from "../../../_page/require-id.ts";

/** The buttons of a job. */
export const POST = formRoute({
  does: { cancel: cancelJob, rerun: rerunJob },
  page: ({ subjectId }) => pathTo("jobs", subjectId!),
  schema: z.object({}),
  kept: [],
  async submit({ actor, params: { subjectId, action } }) {
    const id = requireId(subjectId, "job");
    if (action === "rerun") return new Headers({ Location: `/jobs/${await rerunSubject(actor, id)}` });
    await cancelSubject(actor, id);
    return new Headers({ Location: `/jobs/${id}` });
  },
});
