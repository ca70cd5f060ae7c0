import { Prisma } from "#lib/db/generated/client.ts";
import type { JobResource } from "./jobs.ts";

/**
 * A statement whose rows `group_id` are the persons for whom something waits. PostgreSQL would read all that waits to tell them apart;
 * this goes from one to the next by the index, one step for each. The last row is null.
 */
export const groupsWaiting = (resource: JobResource): Prisma.Sql => Prisma.sql`
  WITH RECURSIVE person AS (
    (SELECT group_id FROM job WHERE resource = ${resource}::job_resource AND state = 'queued' ORDER BY group_id LIMIT 1)
    UNION ALL
    SELECT (SELECT j.group_id FROM job j WHERE j.resource = ${resource}::job_resource AND j.state = 'queued' AND j.group_id > p.group_id ORDER BY j.group_id LIMIT 1)
    FROM person p WHERE p.group_id IS NOT NULL)
  SELECT group_id FROM person`;
