import { listWorkers } from "#lib/catalog/jobs/service.ts";
import * as operations from "#lib/http/operations/jobs.ts";
import { route } from "#lib/http/route.ts";

export const GET = route(operations.listWorkers, ({ actor }) => listWorkers(actor));
