import { placeMarkdown, type Places } from "#lib/catalog/cards/addresses.ts";
import { isLaidOut } from "#lib/catalog/cards/read-markdown.ts";
import { showMarkdown } from "#lib/catalog/cards/service.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { Notice } from "./notice.tsx";

interface MarkdownProps {
  readonly file: Parameters<typeof showMarkdown>[0];
  readonly places: Places;
}

/** A file of Markdown as the hub has read it, or as its text where it is too much to be laid out, with a word on why. */
export async function Markdown({ file, places }: MarkdownProps) {
  const shown = await showMarkdown(file);
  if (!shown.isRead)
    return (
      <>
        <Refresh />
        <Notice kind="careful">{shown.why}</Notice>
      </>
    );
  const { text, html, problem, isCut, warnings } = shown;
  return (
    <>
      {!isLaidOut(shown) && (
        <>
          <Refresh />
          <div className="mb-3">
            <Notice kind="careful">
              The hub lays this text out for the first time; until then here is how it was written.
            </Notice>
          </div>
        </>
      )}
      {[...warnings, ...(problem === null ? [] : [problem])].map((sentence) => (
        <div key={sentence} className="mb-3">
          <Notice kind="careful">{sentence}</Notice>
        </div>
      ))}
      {html === null ? (
        <pre tabIndex={0} aria-label="Its text" className="overflow-x-auto text-small whitespace-pre-wrap">
          {text}
        </pre>
      ) : (
        <div className="markdown" dangerouslySetInnerHTML={{ __html: placeMarkdown(html, places) }} />
      )}
      {isCut && (
        <p className="mt-3 text-small text-quiet">It goes on; this is its beginning. Download it to read all.</p>
      )}
    </>
  );
}
