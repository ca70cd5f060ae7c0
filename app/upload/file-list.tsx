import { memo } from "react";
import { toBytes, toCount } from "../_page/units.ts";
import { Progress } from "../_ui/progress.tsx";
import type { FileFacts } from "./read-file.ts";
import type { FileProgress } from "./send.ts";

const MAX_SHOWN = 200;
const words: Readonly<Record<FileProgress["state"], string>> = {
  waiting: "waits",
  sending: "sending",
  reading: "the hub reads it",
  ready: "is there",
  failed: "not taken",
};

/** Each file: what it is before it is sent, and how far it is while it is. Of very many the ones that say something. */
export function FileList({
  files,
  progress,
}: {
  readonly files: readonly FileFacts[];
  readonly progress: ReadonlyMap<string, FileProgress>;
}) {
  const weightOf = ({ path, problem, what }: FileFacts): number =>
    problem !== null || progress.get(path)?.state === "failed"
      ? 0
      : progress.get(path)?.state === "sending"
        ? 1
        : what !== null
          ? 2
          : 3;
  const shown =
    files.length <= MAX_SHOWN ? files : files.toSorted((a, b) => weightOf(a) - weightOf(b)).slice(0, MAX_SHOWN);
  const rest = files.length - shown.length;
  return (
    <section aria-label="Files">
      <ul className="divide-y divide-line border-y border-line">
        {shown.map((file) => (
          <Row key={file.path} file={file} at={progress.get(file.path) ?? null} />
        ))}
      </ul>
      {rest > 0 && (
        <p className="mt-2 text-small text-quiet">
          and {toCount(rest)} more,{" "}
          {toBytes(files.reduce((sum, { size }) => sum + size, 0) - shown.reduce((sum, { size }) => sum + size, 0))}
        </p>
      )}
    </section>
  );
}

const Row = memo(function Row({
  file: { path, size, what, problem: unsendable },
  at,
}: {
  readonly file: FileFacts;
  readonly at: FileProgress | null;
}) {
  const problem = unsendable ?? at?.problem ?? null;
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-x-4 py-2">
      <div className="min-w-0 [overflow-wrap:anywhere]">
        <code className={problem ? "text-incompatible" : ""}>{path}</code>
        {what && <p className="text-small text-quiet">{what}</p>}
        {problem && (
          <p className="mt-0.5 text-small font-medium text-incompatible">
            <span aria-hidden>✕ </span>
            {problem}
          </p>
        )}
      </div>
      <div className="text-right text-small whitespace-nowrap text-quiet">
        {toBytes(size)}
        {at && !unsendable && (
          <p className={at.state === "failed" ? "text-incompatible" : ""}>
            {at.state === "ready" && (
              <span aria-hidden className="text-verified">
                ✓{" "}
              </span>
            )}
            {at.state === "sending" ? `${Math.floor((100 * at.sent) / Math.max(1, size))}%` : words[at.state]}
          </p>
        )}
      </div>
      {at?.state === "sending" && (
        <div className="col-span-2 mt-1.5">
          <Progress label={`${path} sent`} value={at.sent} max={Math.max(1, size)} />
        </div>
      )}
    </li>
  );
});
