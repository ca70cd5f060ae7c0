import { ModeName } from "./mode.tsx";

const rows = [
  { mode: "cfg", boxes: ["with the prompt", "without it"], cost: "2 passes a step" },
  { mode: "guide", boxes: ["with the prompt"], cost: "1 pass and 1%" },
] as const;

/** One step of a sampler, as a drawing: how often the model runs. */
export function Passes({ className = "" }: { readonly className?: string }) {
  return (
    <dl
      className={`grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4 gap-y-2 text-small sm:grid-cols-[auto_minmax(0,1fr)_auto] ${className}`}
    >
      {rows.map(({ mode, boxes, cost }) => (
        <div key={mode} className="contents">
          <dt>
            <ModeName mode={mode} />
          </dt>
          <dd className="flex items-center gap-1">
            {boxes.map((name) => (
              <span
                key={name}
                className="flex-1 basis-0 truncate rounded border border-edge bg-raised px-2 py-1 text-center"
              >
                {name}
              </span>
            ))}
            {mode === "guide" && (
              <>
                <span className="h-7 w-1.5 shrink-0 rounded-full bg-guide" title="the guide" />
                <span className="flex-1 basis-0" />
              </>
            )}
          </dd>
          <dd className="col-start-2 -mt-1 whitespace-nowrap text-quiet sm:col-start-3 sm:mt-0">{cost}</dd>
        </div>
      ))}
    </dl>
  );
}
