import type { Partner } from "#lib/catalog/pairs/schema.ts";

/** What is known of a pair, as it is shown: what the last look at it said, else how far its first one is. */
export type Standing =
  | "verified"
  | "usableWithLimits"
  | "inconclusive"
  | "incompatible"
  | "notMeasured"
  | "running"
  | "queued"
  | "failed"
  | "cancelled";

const marks: Readonly<Record<Standing, { readonly glyph: string; readonly word: string; readonly colour: string }>> = {
  verified: { glyph: "✓", word: "verified", colour: "text-verified" },
  usableWithLimits: { glyph: "◐", word: "usable with limits", colour: "text-limits" },
  inconclusive: { glyph: "?", word: "inconclusive", colour: "text-quiet" },
  incompatible: { glyph: "✕", word: "incompatible", colour: "text-incompatible" },
  notMeasured: { glyph: "·", word: "not measured", colour: "text-quiet" },
  running: { glyph: "◌", word: "being measured", colour: "text-accent" },
  queued: { glyph: "…", word: "waiting to be measured", colour: "text-quiet" },
  failed: { glyph: "!", word: "measuring failed", colour: "text-incompatible" },
  cancelled: { glyph: "–", word: "cancelled", colour: "text-quiet" },
};

export const wordOf = (standing: Standing): string => marks[standing].word;

/** By the state of a pair in a table, or of its job. */
export const standingOf = ({
  state,
  verdict,
}: Pick<Partner, "verdict"> & { readonly state: Partner["state"] | "succeeded" }): Standing => {
  if (verdict !== "notMeasured" || state === "measured" || state === "succeeded") return verdict;
  return state === "not measured" ? "notMeasured" : state;
};

/** A word, a glyph and a colour; never colour alone. Stale evidence keeps its word under a hatching. */
export function Verdict({
  standing,
  stale = null,
  className = "",
}: {
  readonly standing: Standing;
  readonly stale?: string | null;
  readonly className?: string;
}) {
  const { glyph, word, colour } = marks[standing];
  return (
    <span
      className={`inline-flex items-baseline gap-1.5 font-medium whitespace-nowrap ${colour} ${stale ? "hatched rounded px-1" : ""} ${className}`}
      title={stale ?? undefined}
    >
      <span aria-hidden className={standing === "running" ? "animate-pulse" : ""}>
        {glyph}
      </span>
      {word}
      {stale && <span className="text-quiet">↻ stale</span>}
    </span>
  );
}
