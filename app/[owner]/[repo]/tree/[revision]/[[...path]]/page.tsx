import type { Metadata } from "next";
import { requireRead } from "#lib/auth/access.ts";
import { treeQuery } from "#lib/catalog/files/schema.ts";
import { findFile, lastChanges, listTree } from "#lib/catalog/files/service.ts";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { currentActor } from "../../../../../_page/actor.ts";
import { addressWith, named, type SearchParams } from "../../../../../_page/address.ts";
import { ifThere, shown } from "../../../../../_page/shown.ts";
import { RepoHead } from "../../../_parts/head.tsx";
import { repoOf, type RepoParams } from "../../../_parts/repo-of.ts";
import { unescaped } from "../../../_parts/unescaped.ts";
import { FilePage } from "./file.tsx";
import { FolderPage } from "./folder.tsx";
import { Trail } from "./trail.tsx";

interface Props {
  readonly params: Promise<RepoParams & { readonly revision: string; readonly path?: readonly string[] }>;
  readonly searchParams: SearchParams;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { owner, repo, path = [] } = await params;
  return { title: `${path.map(unescaped).join("/") || "Files"} of ${owner}/${repo}` };
}

const SHOWN = 50;
const IN_ONE_LINE = 100; // of files to download at once

/** A folder, or a file, at a branch, tag or commit. */
export default async function TreePage({ params, searchParams }: Props) {
  const { owner, repo: name, ...given } = await params;
  const [revision, path] = [unescaped(given.revision), (given.path ?? []).map(unescaped).join("/")];
  const cursor = (await searchParams)["cursor"];
  const actor = await currentActor();
  const repo = await repoOf(owner, name);
  const place = { repo, revision, path };
  const file = path === "" ? null : await ifThere(findFile(await requireRead(actor, repo.nameParts), revision, path));
  const folder = file
    ? null
    : repo.head &&
      (await shown(
        listTree(
          actor,
          repo.nameParts,
          named(treeQuery, { revision, path, limit: String(SHOWN), ...(typeof cursor === "string" && { cursor }) }),
        ),
      ));
  const [all, changes, inspection] = await Promise.all([
    folder && ifThere(listTree(actor, repo.nameParts, { revision, path, recursive: true, limit: 2 * IN_ONE_LINE })),
    folder
      ? lastChanges(
          actor,
          repo.nameParts,
          revision,
          folder.items.map((entry) => entry.path),
        )
      : new Map<string, never>(),
    file && ifThere(getInspection(actor, repo.nameParts, revision)),
  ]);
  const files = all?.items.filter(({ type }) => type === "file").map((entry) => entry.path) ?? [];
  const here = `/${repo.fullName}/tree/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;
  return (
    <>
      <RepoHead repo={repo} current="files" />
      <Trail {...place} />
      {file ? (
        <FilePage {...place} file={file} inspection={inspection} />
      ) : (
        <FolderPage
          {...place}
          tree={folder}
          changes={changes}
          all={all?.next === null && files.length <= IN_ONE_LINE ? files : null}
          next={folder?.next ? addressWith(here, {}, { cursor: folder.next }) : null}
          first={typeof cursor === "string" ? here : null}
        />
      )}
    </>
  );
}
