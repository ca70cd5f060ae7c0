import { requireRead } from "#lib/auth/access.ts";
import { historyQuery } from "#lib/catalog/commits/schema.ts";
import { countCommitsFrom, listCommits } from "#lib/catalog/commits/service.ts";
import type { RefItem } from "#lib/catalog/refs/schema.ts";
import { refsOf } from "#lib/catalog/refs/service.ts";
import { env } from "#lib/env.ts";
import { parseAs } from "#lib/http/parse-as.ts";
import type { HubCall } from "./hub-route.ts";
import { linkTo } from "./link.ts";
import { countOf } from "./query.ts";
import type { hubCommits, hubRefs } from "./reading-doors.ts";

/** All branches and tags of a model: as many as a repo may have. */
export async function answerRefs({ actor, names }: HubCall<(typeof hubRefs)["path"]>): Promise<Response> {
  const refs = await refsOf(await requireRead(actor, names));
  const ofKind = (kind: RefItem["kind"], folder: string) =>
    refs
      .filter((ref) => ref.kind === kind)
      .map(({ name, commit }) => ({ name, ref: `refs/${folder}/${name}`, targetCommit: commit }));
  return Response.json({
    branches: ofKind("branch", "heads"),
    tags: ofKind("tag", "tags"),
    converts: [],
    pullRequests: [],
  });
}

const MOST = 100; // of a page; clients follow its link
/** A history of more is not counted for everybody who looks at it; the header is then left out. */
const MOST_COUNTED = 10_000;

/** The history of a revision, the newest first. */
export async function answerCommits({
  request,
  actor,
  names,
  query,
}: HubCall<(typeof hubCommits)["path"]>): Promise<Response> {
  const { revision, ...name } = names;
  const cursor = query.get("cursor") ?? undefined;
  const fields = { revision, cursor, limit: countOf(query.get("limit"), MOST) };
  const { items, next } = await listCommits(actor, name, parseAs(historyQuery, fields, "address"));
  const count = cursor === undefined ? await countCommitsFrom(actor, name, revision, MOST_COUNTED) : MOST_COUNTED;
  return Response.json(
    items.map(({ id, title, message, createdAt, author }) => ({
      id,
      title,
      message,
      date: createdAt,
      authors: author === null ? [] : [{ user: author, avatar: `${env().publicUrl}/icon.svg` }],
      formatted: { title, message },
    })),
    {
      headers: { ...linkTo(request, next), ...(count < MOST_COUNTED && { "X-Total-Count": String(count) }) },
    },
  );
}
