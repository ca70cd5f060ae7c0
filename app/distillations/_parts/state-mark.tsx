import type { DistillationItem } from "#lib/catalog/distillations/schema.ts";
import { stateWords } from "./words.ts";

const marks: Readonly<Record<DistillationItem["state"], { readonly glyph: string; readonly colour: string }>> = {
  queued: { glyph: "…", colour: "text-quiet" },
  running: { glyph: "◌", colour: "text-accent" },
  paused: { glyph: "‖", colour: "text-limits" },
  succeeded: { glyph: "✓", colour: "text-verified" },
  failed: { glyph: "!", colour: "text-incompatible" },
  cancelled: { glyph: "–", colour: "text-quiet" },
};

/** A word, a glyph and a colour. */
export function StateMark({ state }: Pick<DistillationItem, "state">) {
  const { glyph, colour } = marks[state];
  return (
    <span className={`inline-flex gap-1.5 font-medium whitespace-nowrap ${colour}`}>
      <span aria-hidden>{glyph}</span>
      {stateWords[state]}
    </span>
  );
}
