import type { Tree } from "#lib/catalog/files/schema.ts";
import { toBytes } from "../../../../../_page/units.ts";
import { ButtonLink } from "../../../../../_ui/button.tsx";
import { Empty } from "../../../../../_ui/empty.tsx";
import { Hash } from "../../../../../_ui/hash.tsx";
import { Pager } from "../../../../../_ui/pager.tsx";
import { Table } from "../../../../../_ui/table.tsx";
import { addressOf, type Place } from "./trail.tsx";

/** What is in a folder: each file with its size, its hash and its download. */
export function FolderPage({ tree, next, first, ...place }: Place & { readonly tree: Tree | null; readonly next: string | null; readonly first: string | null }) {
  const { repo } = place;
  if (!tree) {
    return <Empty title="There are no files yet" action={repo.mayWrite && <ButtonLink look="primary" href={`/upload?repo=${repo.fullName}`}>Upload files</ButtonLink>} />;
  }
  return (
    <>
      <Table caption={`Files in ${place.path || "the top folder"}`} head={["name", "size", "sha256", <span key="d" className="sr-only">download</span>]}>
        {tree.items.map(({ path, type, size, sha256 }) => {
          const name = path.slice(place.path === "" ? 0 : place.path.length + 1);
          const isFolder = type === "directory";
          return (
            <tr key={path} data-row>
              <td className="[overflow-wrap:anywhere]">
                <a href={addressOf({ ...place, path })}>
                  {name}
                  {isFolder && "/"}
                </a>
              </td>
              <td className="whitespace-nowrap text-quiet">{isFolder ? "" : toBytes(size)}</td>
              <td>{sha256 && <Hash sha256={sha256} what={`sha256 of ${name}`} />}</td>
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
        <p className="mt-6">
          <ButtonLink href={`/upload?repo=${repo.fullName}`}>Upload files</ButtonLink>
        </p>
      )}
    </>
  );
}
