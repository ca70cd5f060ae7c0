import { cancelSubject } from "#lib/catalog/jobs/service.ts";
import * as operations from "#lib/http/operations/jobs.ts";
import { route } from "#lib/http/route.ts";

export const POST = route(operations.cancelJob, ({ actor, params }) => cancelSubject(actor, params.subjectId));
