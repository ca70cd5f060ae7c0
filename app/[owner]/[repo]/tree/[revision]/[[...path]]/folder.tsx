import type { LastChange } from "#lib/catalog/files/service.ts";
import type { Tree } from "#lib/catalog/files/schema.ts";
import { env } from "#lib/env.ts";
import { toAge, toBytes, toMoment, toPlural } from "../../../../../_page/units.ts";
import { ButtonLink } from "../../../../../_ui/button.tsx";
import { Empty } from "../../../../../_ui/empty.tsx";
import { Hash } from "../../../../../_ui/hash.tsx";
import { Pager } from "../../../../../_ui/pager.tsx";
import { Table } from "../../../../../_ui/table.tsx";
import { curlLines, hfFolderLine } from "../../../_parts/lines.ts";
import { Lines, TokenNote } from "../../../_parts/use-lines.tsx";
import { addressOf, type Place } from "./trail.tsx";

interface FolderProps extends Place {
  readonly tree: Tree | null;
  readonly changes: ReadonlyMap<string, LastChange>;
  /** Every file of the folder and below it; null where they are too many for a line. */
  readonly all: readonly string[] | null;
  readonly next: string | null;
  readonly first: string | null;
}

/** What is in a folder: each file with its size, its hash, when it changed last and its download. */
export function FolderPage({ tree, changes, all, next, first, ...place }: FolderProps) {
  const { repo } = place;
  if (!tree) {
    return (
      <Empty
        title="There are no files yet"
        action={
          repo.mayWrite && (
            <ButtonLink look="primary" href={`/upload?repo=${repo.fullName}`}>
              Upload files
            </ButtonLink>
          )
        }
      >
        {repo.mayWrite
          ? "Drop a folder or a file; it is read before a byte is sent."
          : "Its owner has not uploaded anything yet."}
      </Empty>
    );
  }
  return (
    <>
      <Table
        caption={`Files in ${place.path || "the top folder"}`}
        head={[
          "name",
          "size",
          "sha256",
          "last change",
          <span key="d" className="sr-only">
            download
          </span>,
        ]}
      >
        {tree.items.map(({ path, type, size, sha256 }) => {
          const name = path.slice(place.path === "" ? 0 : place.path.length + 1);
          const isFolder = type === "directory";
          const change = changes.get(path);
          return (
            <tr key={path} data-row>
              <td className="min-w-36 [overflow-wrap:anywhere]">
                <a href={addressOf({ ...place, path })} className={isFolder ? "font-medium" : ""}>
                  {name}
                  {isFolder && "/"}
                </a>
              </td>
              <td className="whitespace-nowrap text-quiet">{isFolder ? "" : toBytes(size)}</td>
              <td>{sha256 && <Hash sha256={sha256} what={`sha256 of ${name}`} />}</td>
              <td className="text-small whitespace-nowrap text-quiet">
                {change && (
                  <a
                    href={`/${repo.fullName}/tree/${change.commit}`}
                    title={`${change.title}, ${toMoment(change.createdAt)}`}
                    className="text-quiet"
                  >
                    {toAge(change.createdAt)}
                  </a>
                )}
              </td>
              <td className="text-right">
                {!isFolder && (
                  <a href={addressOf({ ...place, path }, "resolve")} download aria-label={`Download ${name}`}>
                    Download
                  </a>
                )}
              </td>
            </tr>
          );
        })}
      </Table>
      <Pager first={first} next={next} what="files" />
      {repo.mayWrite && (
        <p className="mt-4">
          <ButtonLink href={`/upload?repo=${repo.fullName}`}>Upload files</ButtonLink>
        </p>
      )}
      <section id="all" aria-labelledby="all-title" className="mt-10">
        <h2 id="all-title" className="text-title">
          Download all
        </h2>
        <div className="mt-2 space-y-3">
          {all ? (
            <AllLines {...place} all={all} />
          ) : (
            <p className="max-w-[72ch] text-quiet">
              These are too many files for one line of curl. Open a folder for its own, or take the repo as{" "}
              <a href={`/${repo.fullName}#use-with`}>its page</a> says.
            </p>
          )}
        </div>
      </section>
    </>
  );
}

function AllLines({ repo, revision, path, all }: Place & { readonly all: readonly string[] }) {
  const isPrivate = repo.visibility === "private";
  const remote = { hub: env().publicUrl, fullName: repo.fullName, revision, isPrivate };
  return (
    <>
      <p className="text-quiet">
        {toPlural(all.length, "file")}
        {path === "" ? "" : ` of ${path}`}, into a folder {repo.name}:
      </p>
      <Lines name="hf, all files" text={hfFolderLine(remote, path)} />
      <Lines name="curl, all files" text={curlLines(remote, all)} wraps={false} />
      {isPrivate && <TokenNote />}
    </>
  );
}
