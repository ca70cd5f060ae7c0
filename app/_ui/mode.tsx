export type Mode = "conditional" | "guide" | "cfg";

/** Always in this order, always with these marks: in every row of pictures, chart, table and legend. */
export const modes = ["conditional", "guide", "cfg"] as const satisfies readonly Mode[];

export const modeNames: Readonly<Record<Mode, string>> = { conditional: "no guidance", guide: "guide", cfg: "CFG" };

export const modeColours: Readonly<Record<Mode, string>> = {
  conditional: "text-conditional",
  guide: "text-guide",
  cfg: "text-cfg",
};

/** Grey circle, teal filled diamond, indigo square. */
export function ModeMark({ mode }: { readonly mode: Mode }) {
  return (
    <svg
      viewBox="0 0 12 12"
      width="12"
      height="12"
      aria-hidden
      className={`inline-block shrink-0 ${modeColours[mode]}`}
    >
      {mode === "conditional" && <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      {mode === "guide" && <path d="M6 0.5 11.5 6 6 11.5 0.5 6z" fill="currentColor" />}
      {mode === "cfg" && (
        <rect x="1.75" y="1.75" width="8.5" height="8.5" fill="none" stroke="currentColor" strokeWidth="2" />
      )}
    </svg>
  );
}

export function ModeName({ mode }: { readonly mode: Mode }) {
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium whitespace-nowrap ${modeColours[mode]}`}>
      <ModeMark mode={mode} />
      {modeNames[mode]}
    </span>
  );
}
