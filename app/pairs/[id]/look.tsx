import type { PairView } from "#lib/catalog/pairs/schema.ts";
import type { Sheet, SheetRow } from "#lib/catalog/sheets/schema.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Compare } from "../../_islands/compare.tsx";
import { toPlural } from "../../_page/units.ts";
import { modes } from "../../_ui/mode.tsx";
import { Progress } from "../../_ui/progress.tsx";
import { ContactSheet } from "../../_ui/sheet.tsx";

/** The columns that can be compared, and the one that the address asks for; the first where it asks for none of them. */
export function columnsOf(
  { rows }: Sheet,
  seed: number | undefined,
): { readonly drawn: readonly SheetRow[]; readonly column: SheetRow | undefined } {
  const drawn = rows.filter(({ pictures }) => pictures.guide && pictures.cfg);
  return { drawn, column: drawn.find((one) => one.seed === seed) ?? drawn[0] };
}

/** One seed, large: three modes from the same noise against each other. */
export function CloseLook({
  column,
  drawn,
  hrefOf,
}: {
  readonly column: SheetRow;
  readonly drawn: readonly SheetRow[];
  readonly hrefOf: (seed: number) => string;
}) {
  const { seed, prompt, pictures } = column;
  return (
    <section aria-labelledby="see" className="min-w-0">
      <h2 id="see" className="scroll-mt-4 text-title">
        See it
      </h2>
      <p className="mt-1 mb-3 text-quiet">“{prompt}”</p>
      <Compare
        key={seed}
        pictures={modes.flatMap((mode) => pictures[mode] ?? [])}
        prompt={prompt}
        seed={seed}
        room={384}
        phoneRoom={358}
      />
      <nav aria-label="Seeds" className="mt-3 flex flex-wrap gap-1.5 text-small">
        {drawn.map((one) => (
          <a
            key={one.seed}
            href={hrefOf(one.seed)}
            aria-current={one.seed === seed ? "true" : undefined}
            title={one.prompt}
            className="inline-grid min-h-7 min-w-7 place-items-center rounded border border-line bg-raised px-2 text-quiet no-underline hover:border-accent aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-accent"
          >
            seed {one.seed}
          </a>
        ))}
      </nav>
    </section>
  );
}

/** All that was drawn, how much is to come, or why there is nothing. */
export function SheetSection({
  pair,
  sheet,
  seed,
  hrefOf,
}: {
  readonly pair: PairView;
  readonly sheet: Sheet;
  readonly seed: number | undefined;
  readonly hrefOf: (seed: number) => string;
}) {
  const { rows, done, total } = sheet;
  const toCome = rows.filter(isUnfinished).length;
  const failed = total - done - toCome;
  return (
    <section aria-labelledby="sheet" className="mt-12">
      <h2 id="sheet" className="text-title">
        {total === 0 ? "Contact sheet" : `${toPlural(total, "seed")} in three modes`}
      </h2>
      {total === 0 ? (
        <p className="mt-1 max-w-[72ch] text-quiet">{whyNone(pair)}</p>
      ) : (
        <>
          <p className="mb-3 max-w-[72ch] text-quiet">
            Every picture of a column began with the same noise and prompt; prompts and seeds are the same for every
            model of the base, and nobody chose among the pictures.{" "}
            {failed > 0 && `${toPlural(failed, "seed")} could not be drawn; “not drawn” leads to the reason.`}
          </p>
          {toCome > 0 && (
            <div className="mb-3 max-w-[56ch]">
              <p role="status" className="mb-1">
                {done} of {total} are drawn.
              </p>
              <Progress label={`Drawn: ${done} of ${total}`} value={done} max={total} />
            </div>
          )}
          <ContactSheet sheet={sheet} seed={seed} hrefOf={hrefOf} />
        </>
      )}
    </section>
  );
}

function whyNone({ state, verdict }: PairView): string {
  if (isUnfinished({ state })) return "The hub draws eight seeds in three modes as soon as the pair is measured.";
  if (state !== "succeeded") return "There are no pictures, for the pair was not measured to the end.";
  if (verdict === "incompatible") return "There are no pictures, for the guide does not work here.";
  return "There are no pictures: the pair was measured before this hub drew any, or too many jobs were waiting. “Preview this pair” draws some.";
}
