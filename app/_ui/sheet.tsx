import type { Sheet, SheetRow } from "#lib/catalog/sheets/schema.ts";
import { type Mode, ModeMark, ModeName, modeNames, modes } from "./mode.tsx";
import { Picture } from "./picture.tsx";

interface ContactSheetProps {
  readonly sheet: Sheet;
  /** The seed that is looked at closely, and where another one is. */
  readonly seed?: number | undefined;
  readonly hrefOf?: (seed: number) => string;
}

/** Rows are modes, columns are seeds: every picture of a column began with the same noise and prompt. A tap opens the true pixels with their recipe. */
export function ContactSheet({ sheet: { rows }, seed: chosen, hrefOf }: ContactSheetProps) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Contact sheet">
      <table className="border-separate border-spacing-x-1 border-spacing-y-1">
        <thead>
          <tr className="text-small text-quiet">
            <td />
            {rows.map(({ seed, prompt }) => (
              <th key={seed} scope="col" className="max-w-32 min-w-32 text-left align-bottom font-normal">
                <span className="line-clamp-3" title={prompt}>
                  {prompt}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {modes.map((mode) => (
            <tr key={mode}>
              <th scope="row" className="sticky left-0 z-1 bg-surface pr-1 text-left text-small">
                <span className="sm:hidden">
                  <ModeMark mode={mode} />
                  <span className="sr-only">{modeNames[mode]}</span>
                </span>
                <span className="hidden sm:inline">
                  <ModeName mode={mode} />
                </span>
              </th>
              {rows.map((row) => (
                <td
                  key={row.seed}
                  className={`size-32 bg-sunken p-0 ${row.seed === chosen ? "outline-2 outline-accent" : ""}`}
                >
                  <Cell row={row} mode={mode} />
                </td>
              ))}
              <td aria-hidden className="max-xl:hidden">
                <ModeMark mode={mode} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="text-small text-quiet">
            <td />
            {rows.map(({ seed, pictures }) => (
              <td key={seed}>
                {hrefOf && pictures.guide && pictures.cfg ? (
                  <a
                    href={hrefOf(seed)}
                    aria-current={seed === chosen ? "true" : undefined}
                    aria-label={`Compare seed ${seed}`}
                    className="aria-[current]:font-semibold aria-[current]:text-ink"
                  >
                    seed {seed}
                  </a>
                ) : (
                  `seed ${seed}`
                )}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Cell({
  row: { preview, seed, prompt, state, pictures },
  mode,
}: {
  readonly row: SheetRow;
  readonly mode: Mode;
}) {
  const picture = pictures[mode];
  if (picture) {
    return (
      <a href={`/previews/${preview}`} title={prompt} className="block">
        <Picture
          url={picture.url}
          width={picture.width}
          height={picture.height}
          alt={`${modeNames[mode]}: ${prompt}, seed ${seed}`}
          room={128}
          className="size-32! object-contain"
        />
      </a>
    );
  }
  return (
    <span className="grid size-32 place-items-center text-small text-quiet">
      {state === "failed" || state === "cancelled" ? (
        <a href={`/previews/${preview}`}>not drawn</a>
      ) : state === "running" ? (
        "being drawn"
      ) : (
        "to come"
      )}
    </span>
  );
}
