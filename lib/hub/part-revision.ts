import { requireRead } from "#lib/auth/access.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { AppError } from "#lib/errors.ts";
import type { HubCall } from "./hub-route.ts";
import type { hubFolder } from "./reading-doors.ts";

const MOST_PARTS = 8; // of a branch's name: each is looked for

/**
 * Where the name of a revision ends and a folder begins. The client in JavaScript escapes no slash of a branch, so the shortest name that
 * is there is meant. @throws repo_not_found; revision_not_found for the first part where there is none
 */
export async function partRevision({
  actor,
  names: { revision, path, ...name },
}: Pick<HubCall<(typeof hubFolder)["path"]>, "actor" | "names">): Promise<{ revision: string; folder: string }> {
  const repo = await requireRead(actor, name);
  const parts = path.split("/");
  let first: unknown = null;
  for (let count = 0; count <= Math.min(parts.length, MOST_PARTS); count++) {
    const tried = [revision, ...parts.slice(0, count)].join("/");
    try {
      await resolveRevision(repo, tried);
      return { revision: tried, folder: parts.slice(count).join("/") };
    } catch (cause) {
      if (!(cause instanceof AppError) || cause.code !== "revision_not_found") throw cause;
      first ??= cause;
    }
  }
  throw first;
}
