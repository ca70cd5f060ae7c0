import type { ReactNode } from "react";

const kinds = {
  plain: { border: "border-line", glyph: "i", colour: "text-quiet" },
  good: { border: "border-verified", glyph: "✓", colour: "text-verified" },
  careful: { border: "border-limits", glyph: "◐", colour: "text-limits" },
  bad: { border: "border-incompatible", glyph: "!", colour: "text-incompatible" },
} as const;

/** Something to know before going on. `alert`: read out at once when it comes. */
export function Notice({
  kind = "plain",
  alert = false,
  children,
}: {
  readonly kind?: keyof typeof kinds;
  readonly alert?: boolean;
  readonly children: ReactNode;
}) {
  const { border, glyph, colour } = kinds[kind];
  return (
    <div role={alert ? "alert" : undefined} className={`flex gap-3 rounded border-l-4 bg-raised px-4 py-3 ${border}`}>
      <span aria-hidden className={`font-mono font-bold ${colour}`}>
        {glyph}
      </span>
      <div className="min-w-0 [overflow-wrap:anywhere]">{children}</div>
    </div>
  );
}
