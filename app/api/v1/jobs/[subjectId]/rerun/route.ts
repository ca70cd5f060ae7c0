import { getJobTimeline, rerunSubject } from "#lib/catalog/jobs/service.ts";
import * as operations from "#lib/http/operations/jobs.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.rerunJob, async ({ actor, params }) =>
  getJobTimeline(actor, await rerunSubject(actor, params.subjectId)),
);
