import type { Sheet } from "#lib/catalog/sheets/schema.ts";
import { ModeName, modes } from "./mode.tsx";
import { Picture } from "./picture.tsx";

/** Rows are modes, columns are seeds: every picture of a column began with the same noise and prompt. A tap opens the true pixels with their recipe. */
export function ContactSheet({ sheet }: { readonly sheet: Sheet }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Contact sheet">
      <table className="border-separate border-spacing-1">
        <thead>
          <tr className="text-small text-quiet">
            <td />
            {sheet.rows.map(({ seed, prompt }) => (
              <th key={seed} scope="col" className="max-w-32 min-w-32 px-1 text-left align-bottom font-normal">
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
              <th scope="row" className="sticky left-0 bg-surface pr-3 text-left text-small">
                <ModeName mode={mode} />
              </th>
              {sheet.rows.map(({ preview, seed, prompt, state, pictures: { [mode]: picture } }) => (
                <td key={seed} className="size-32 bg-sunken p-0">
                  {picture ? (
                    <a href={`/previews/${preview}`} className="block">
                      <Picture url={picture.url} width={picture.width} height={picture.height} alt={`${prompt}, seed ${seed}`} room={128} className="size-32! object-contain" />
                    </a>
                  ) : (
                    <span className="block p-2 text-center text-small text-quiet">{state === "failed" || state === "cancelled" ? "not drawn" : "to come"}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="text-small text-quiet">
            <td />
            {sheet.rows.map(({ seed }) => (
              <td key={seed} className="px-1">
                seed {seed}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
