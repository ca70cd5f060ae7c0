import { toBytes } from "../_page/units.ts";
import { Progress } from "../_ui/progress.tsx";
import type { FileFacts } from "./recognise.ts";
import type { FileProgress } from "./send.ts";

const MAX_SHOWN = 200;
const words: Readonly<Record<FileProgress["state"], string>> = { waiting: "waits", sending: "is sent", reading: "the hub reads it", ready: "is there", failed: "failed" };

/** Each file: what it is before it is sent, and how far it is while it is. */
export function FileList({ files, progress }: { readonly files: readonly FileFacts[]; readonly progress: ReadonlyMap<string, FileProgress> }) {
  return (
    <>
      <ul className="divide-y divide-line border-y border-line">
        {files.slice(0, MAX_SHOWN).map(({ path, size, what, problem }) => {
          const at = progress.get(path) ?? null;
          return (
            <li key={path} className="grid gap-x-6 gap-y-0.5 py-2 sm:grid-cols-[minmax(0,1fr)_12rem]">
              <div className="min-w-0 [overflow-wrap:anywhere]">
                <code>{path}</code> <span className="text-small whitespace-nowrap text-quiet">{toBytes(size)}</span>
                {what && <p className="text-small text-quiet">{what}</p>}
                {(problem ?? at?.problem) && (
                  <p className="text-small font-medium text-incompatible">
                    <span aria-hidden>! </span>
                    {problem ?? at?.problem}
                  </p>
                )}
              </div>
              {at && (
                <div className="self-center text-small text-quiet">
                  {at.state === "sending" && <Progress label={`${path} sent`} value={at.sent} max={Math.max(1, size)} />}
                  {at.state === "ready" && <span aria-hidden className="text-verified">✓ </span>}
                  {words[at.state]}
                  {at.state === "sending" && ` · ${toBytes(at.sent)}`}
                </div>
              )}
            </li>
          );
        })}
      </ul>
      {files.length > MAX_SHOWN && <p className="mt-2 text-small text-quiet">and {files.length - MAX_SHOWN} more</p>}
    </>
  );
}
