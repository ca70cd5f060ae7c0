import { treeQuery } from "#lib/catalog/files/schema.ts";
import { lastChanges, listTree } from "#lib/catalog/files/service.ts";
import { parseAs } from "#lib/http/parse-as.ts";
import type { hubTree } from "./reading-doors.ts";
import type { HubCall } from "./hub-route.ts";
import { linkTo } from "./link.ts";
import { countOf, saysYes } from "./query.ts";
import { toHubEntry } from "./tree-entry.ts";

/** Entries of a page; fewer where each is to say which commit changed it last, which is looked for in the history. */
const MOST = 1000;
const MOST_WITH_COMMITS = 50;

/** What is in a folder of a revision, as `list_repo_tree` asks for it. @throws what listTree throws */
export async function answerTree(
  { request, actor, names, query }: HubCall<(typeof hubTree)["path"]>,
  folder: string,
): Promise<Response> {
  const { revision, ...name } = names;
  const withCommits = saysYes(query.get("expand"));
  const fields = {
    revision,
    path: folder.replace(/\/$/, ""),
    recursive: String(saysYes(query.get("recursive"))),
    limit: countOf(query.get("limit"), withCommits ? MOST_WITH_COMMITS : MOST),
    cursor: query.get("cursor") ?? undefined,
  };
  const asked = parseAs(treeQuery, fields, "address");
  const { commit, items, next } = await listTree(actor, name, asked);
  const changes = withCommits
    ? await lastChanges(
        actor,
        name,
        commit,
        items.map(({ path }) => path),
      )
    : null;
  return Response.json(
    items.map((entry) => toHubEntry(entry, changes?.get(entry.path))),
    { headers: { "X-Repo-Commit": commit, ...linkTo(request, next) } },
  );
}
