import type { WorkerList } from "#lib/catalog/jobs/schema.ts";
import { toBytes, toMoment } from "../../_page/units.ts";
import { Notice } from "../../_ui/notice.tsx";
import { When } from "../../_ui/when.tsx";

/** Who works; where nobody does, what that means and what to do. */
export function Workers({ workers, waiting }: { readonly workers: WorkerList["items"]; readonly waiting: number }) {
  if (workers.length === 0) {
    return (
      <div className="mt-3 max-w-[72ch]">
        <Notice kind="careful">
          No worker is online.{" "}
          {waiting > 0
            ? "What waits begins as soon as one is; nothing is lost."
            : "What is asked for now waits until one is."}{" "}
          Whoever runs this hub starts one with <code>npx guidepost worker</code>. Browsing and downloading go on.
        </Notice>
      </div>
    );
  }
  return (
    <p className="mt-1 text-quiet">
      {workers.length === 1 ? "One worker is" : `${workers.length} workers are`} online:{" "}
      {workers.map(({ id, name, host, runtime, memory, startedAt }, index) => (
        <span key={id} title={`since ${toMoment(startedAt)}`}>
          {index > 0 && ", "}
          <code className="[overflow-wrap:anywhere]">{host ?? name}</code> ({runtime},{" "}
          {memory !== null && `${toBytes(memory)} of memory, `}began <When at={startedAt} />)
        </span>
      ))}
    </p>
  );
}
