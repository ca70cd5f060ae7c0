import { requireRead } from "#lib/auth/access.ts";
import { type FilesAt, listFiles } from "#lib/catalog/files/service.ts";
import { getRepo } from "#lib/catalog/repos/service.ts";
import type { hubModel } from "./reading-doors.ts";
import type { HubCall } from "./hub-route.ts";
import { relationOf, toHubModel } from "./model.ts";
import { gitSha1Of, pointerOf } from "./pointer.ts";
import { pairingWarning } from "./pairing-warning.ts";
import { saysYes } from "./query.ts";

/**
 * All that is known of a model at a revision. Whichever fields a client names with `expand` it gets them all, which every client
 * takes. @throws repo_not_found, revision_not_found
 */
export async function answerModel(
  { actor, names, query }: Pick<HubCall<(typeof hubModel)["path"]>, "actor" | "names" | "query">,
  revision: string | null,
): Promise<Response> {
  const readable = await requireRead(actor, names);
  const repo = await getRepo(actor, names);
  const isEmpty = revision === null && repo.headCommit === null;
  const at = isEmpty ? null : await listFiles(readable, revision ?? "HEAD");
  const withBlobs = saysYes(query.get("blobs")) || saysYes(query.get("files_metadata"));
  const isHead = at?.commit === repo.headCommit;
  return Response.json(
    {
      ...toHubModel(repo),
      sha: at?.commit ?? null,
      siblings: at?.files.map((file) => toSibling(file, withBlobs)) ?? [],
      ...(isHead && { cardData: repo.card?.frontMatter ?? null }),
      usedStorage: repo.usage.bytes,
      downloadsAllTime: repo.downloads,
      ...(repo.base !== null && {
        baseModels: { relation: relationOf(repo), models: [{ id: repo.base, _id: repo.base }] },
      }),
      spaces: [],
    },
    {
      headers: {
        ...(at && { "X-Repo-Commit": at.commit }),
        ...(await pairingWarning(actor, readable)),
      },
    },
  );
}

function toSibling({ path, size, sha256, lfs, gitSha1 }: FilesAt["files"][number], withBlob: boolean) {
  if (!withBlob) return { rfilename: path };
  if (!lfs) return { rfilename: path, size, blobId: gitSha1 };
  const pointer = pointerOf({ sha256, size });
  return {
    rfilename: path,
    size,
    blobId: gitSha1Of(pointer),
    lfs: { sha256, size, pointerSize: pointer.length },
  };
}
