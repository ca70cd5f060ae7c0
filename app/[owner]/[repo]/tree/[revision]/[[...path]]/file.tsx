import type { FoundFile } from "#lib/catalog/files/service.ts";
import { MAX_TEXT_BYTES, showText } from "#lib/catalog/files/show-text.ts";
import { printableLines } from "#lib/util/printable.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { env } from "#lib/env.ts";
import { Refresh } from "../../../../../_islands/refresh.tsx";
import { toBytes } from "../../../../../_page/units.ts";
import { ButtonLink } from "../../../../../_ui/button.tsx";
import { Facts } from "../../../../../_ui/facts.tsx";
import { Hash } from "../../../../../_ui/hash.tsx";
import { Markdown } from "../../../../../_ui/markdown.tsx";
import { WeightsFacts } from "./weights-facts.tsx";
import { Notice } from "../../../../../_ui/notice.tsx";
import { DownloadLines } from "../../../_parts/use-lines.tsx";
import { addressOf, type Place } from "./trail.tsx";

const picture = /\.(png|jpe?g|gif|webp)$/i;

interface FileProps extends Place {
  readonly file: FoundFile;
  /** Of its commit. */
  readonly inspection: InspectionView | null;
}

/** One file: its hash, the ways to download it, and what is in it where that can be read. */
export function FilePage({ file, inspection, ...place }: FileProps) {
  const { repo, revision, path } = place;
  const name = path.split("/").at(-1)!;
  return (
    <div className="grid gap-x-10 gap-y-6 lg:grid-cols-[minmax(0,1fr)_320px]">
      <div className="order-last min-w-0 lg:order-first">
        <Content {...place} file={file} inspection={inspection} />
      </div>
      <aside className="space-y-4" aria-label="Download">
        <ButtonLink
          look="primary"
          className="w-full [overflow-wrap:anywhere]"
          href={addressOf(place, "resolve")}
          download
        >
          Download {name}
        </ButtonLink>
        <Facts
          facts={[
            ["size", `${toBytes(file.size)} (${file.size.toLocaleString("en")} bytes)`],
            ["sha256", <Hash key="s" sha256={file.sha256} />],
            ["commit", <Hash key="c" sha256={file.commitId} what="commit id" />],
          ]}
        />
        <DownloadLines
          hub={env().publicUrl}
          fullName={repo.fullName}
          revision={revision}
          path={path}
          sha256={file.sha256}
          isPrivate={repo.visibility === "private"}
        />
      </aside>
    </div>
  );
}

async function Content({ file, inspection, ...place }: FileProps) {
  const { path } = place;
  if (/\.safetensors$/i.test(path)) return <WeightsFacts path={path} inspection={inspection} />;
  if (picture.test(path))
    return <img src={addressOf(place, "resolve")} alt={path} className="max-w-full border border-line bg-sunken" />;
  if (/\.md$/i.test(path)) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const to = (kind: "tree" | "resolve"): string => `${addressOf({ ...place, path: "" }, kind)}/${folder}`;
    return <Markdown file={file} places={{ files: to("resolve"), pages: to("tree") }} />;
  }
  const shown = await showText(file);
  if (!shown.isRead)
    return (
      <>
        <Refresh />
        <Notice kind="careful">{shown.why}</Notice>
      </>
    );
  if (shown.text === null) return <Notice>This is no text, so it is not shown. Download it to look at it.</Notice>;
  return (
    <>
      <pre
        tabIndex={0}
        aria-label={path}
        className="overflow-x-auto rounded border border-line bg-sunken p-3 text-small"
      >
        {printableLines(shown.text)}
      </pre>
      {shown.isCut && (
        <p className="mt-2 text-small text-quiet">It goes on; these are its first {toBytes(MAX_TEXT_BYTES)}.</p>
      )}
    </>
  );
}
