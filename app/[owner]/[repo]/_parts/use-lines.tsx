import { Copy } from "../../../_islands/copy.tsx";
import { checkLine, curlLine, hfLine, type Remote } from "./lines.ts";

/** Lines for a terminal, all of them to be read, and copied in one go. */
export function Lines({
  name,
  text,
  wraps = true,
}: {
  readonly name: string;
  readonly text: string;
  readonly wraps?: boolean;
}) {
  return (
    <div className="min-w-0">
      <p className="mb-1 flex items-center justify-between gap-2 text-small text-quiet">
        {name}
        <Copy text={text} label={`Copy: ${name}`} showLabel />
      </p>
      <pre
        tabIndex={0}
        aria-label={name}
        className={`max-h-72 overflow-auto rounded border border-line bg-sunken px-3 py-2 text-small ${wraps ? "whitespace-pre-wrap [overflow-wrap:anywhere]" : "whitespace-pre"}`}
      >
        {text}
      </pre>
    </div>
  );
}

/** Ways to take one file away without a browser, and to know that it came whole. */
export function DownloadLines({
  path,
  sha256,
  ...remote
}: Remote & { readonly path: string; readonly sha256: string }) {
  return (
    <div className="space-y-3">
      <Lines name="curl" text={curlLine(remote, path)} />
      <Lines name="hf" text={hfLine(remote, path)} />
      <Lines name="check what came" text={checkLine(path, sha256)} />
      {remote.isPrivate && <TokenNote />}
    </div>
  );
}

export function TokenNote() {
  return (
    <p className="text-small text-quiet">
      It is private: set <code>HF_TOKEN</code> to an <a href="/settings">access token</a> that may read.
    </p>
  );
}
