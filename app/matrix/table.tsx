import { can } from "#lib/catalog/kinds.ts";
import type { Matrix } from "#lib/catalog/pairs/schema.ts";
import { toParameters } from "../_page/units.ts";
import { PairCell } from "./cell.tsx";

/**
 * Its first column and its head stay in sight while it is scrolled. On a phone it is a list: of each model its guides, one below the
 * other. The roles are said because a table that is laid out as blocks loses its own.
 */
export function MatrixTable({ found: { base, guides, items } }: { readonly found: Matrix }) {
  return (
    <div
      className="rounded border border-line bg-raised sm:max-h-[85vh] sm:overflow-auto"
      tabIndex={0}
      role="region"
      aria-label={`Fine-tunes and guides of ${base}`}
    >
      <table role="table" className="w-full border-separate border-spacing-0 text-left max-sm:block">
        <thead role="rowgroup" className="max-sm:sr-only">
          <tr role="row">
            <th role="columnheader" scope="col" className={`${head} left-0 z-20 border-r border-r-line`}>
              model
            </th>
            {guides.map(({ repo, parameters }) => (
              <th key={repo} role="columnheader" scope="col" className={`${head} z-10`}>
                <Name of={repo} />
                <span className="block font-normal">
                  {parameters === null ? "" : `${toParameters(parameters)} parameters`}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className="max-sm:block [&>tr:last-child]:border-b-0 [&>tr:last-child>*]:border-b-0">
          {items.map(({ repo, kind, cells }) => (
            <tr key={repo} role="row" data-row className="max-sm:block max-sm:border-b max-sm:border-line max-sm:py-3">
              <th
                role="rowheader"
                scope="row"
                className="sticky left-0 z-10 max-w-64 min-w-44 border-r border-b border-line bg-raised px-3 py-2 align-top font-medium max-sm:static max-sm:block max-sm:max-w-none max-sm:border-0 max-sm:py-0"
              >
                <Name of={repo} />
                {can({ kind }, "isBase") && (
                  <span className="block text-small font-normal text-quiet">the base itself</span>
                )}
              </th>
              {cells.map((cell, at) => (
                <td
                  key={guides[at]!.repo}
                  role="cell"
                  className="min-w-52 border-b border-line px-3 py-2 align-top max-sm:flex max-sm:justify-between max-sm:gap-4 max-sm:border-0"
                >
                  <span className="min-w-0 text-small [overflow-wrap:anywhere] text-quiet sm:hidden">
                    {guides[at]!.repo.split("/")[1]}
                  </span>
                  <PairCell model={repo} guide={guides[at]!.repo} cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const head =
  "sticky top-0 min-w-44 max-w-64 border-b border-b-edge bg-raised px-3 py-2 align-bottom text-small font-medium text-quiet";

function Name({ of }: { readonly of: string }) {
  const [owner, name] = of.split("/");
  return (
    <a href={`/${of}`} className="text-body [overflow-wrap:anywhere] text-ink no-underline hover:underline">
      <span className="text-small font-normal text-quiet">{owner}/</span>
      {name}
    </a>
  );
}
