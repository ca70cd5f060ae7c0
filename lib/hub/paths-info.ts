import { z } from "zod";
import { findEntries, lastChanges } from "#lib/catalog/files/service.ts";
import { AppError } from "#lib/errors.ts";
import { readText } from "#lib/http/read-body.ts";
import { readJson } from "#lib/http/read-json.ts";
import type { hubPathsInfo } from "./reading-doors.ts";
import type { HubCall } from "./hub-route.ts";
import { saysYes } from "./query.ts";
import { toHubEntry } from "./tree-entry.ts";

const MAX_PATHS = 1000;
const MAX_BODY_BYTES = 2 ** 20; // a thousand paths, as long as paths may be

const json = z.object({
  paths: z.union([z.string(), z.array(z.string()).max(MAX_PATHS)]),
  expand: z.union([z.boolean(), z.string()]).optional(),
});

/** Which of many paths are there and what they are, as `get_paths_info` asks. @throws bad_request, too_large, revision_not_found */
export async function answerPathsInfo({
  request,
  actor,
  names,
}: HubCall<(typeof hubPathsInfo)["path"]>): Promise<Response> {
  const { revision, ...name } = names;
  const { paths, expand } = await readAsked(request);
  const { commit, entries } = await findEntries(actor, name, revision, paths);
  const changes = expand
    ? await lastChanges(
        actor,
        name,
        commit,
        entries.map(({ path }) => path),
      )
    : null;
  return Response.json(
    entries.map((entry) => toHubEntry(entry, changes?.get(entry.path))),
    { headers: { "X-Repo-Commit": commit } },
  );
}

interface Asked {
  readonly paths: readonly string[];
  readonly expand: boolean;
}

/** The client in Python sends a form, the one in JavaScript JSON. */
async function readAsked(request: Request): Promise<Asked> {
  if (/^application\/x-www-form-urlencoded\b/i.test(request.headers.get("content-type") ?? "")) {
    const form = new URLSearchParams(await readText(request, MAX_BODY_BYTES));
    return toAsked(form.getAll("paths"), saysYes(form.get("expand")));
  }
  const read = json.safeParse(await readJson(request, MAX_BODY_BYTES));
  if (!read.success)
    throw new AppError(
      "bad_request",
      `The request must hold “paths”, at most ${MAX_PATHS} texts; ask in several requests.`,
      {
        field: "paths",
      },
    );
  const { paths, expand } = read.data;
  return toAsked([paths].flat(), saysYes(String(expand)));
}

function toAsked(paths: readonly string[], expand: boolean): Asked {
  if (paths.length > MAX_PATHS)
    throw new AppError("too_large", `At most ${MAX_PATHS} paths can be asked for at once; ask in several requests.`, {
      limit: MAX_PATHS,
    });
  return { paths: [...new Set(paths.map((path) => path.replace(/\/$/, "")))], expand };
}
