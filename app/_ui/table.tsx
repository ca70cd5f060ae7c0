import type { ReactNode } from "react";

/** A table that scrolls sideways by itself where a phone is too narrow. `caption` is read out, and shown where it is asked for. */
export function Table({
  caption,
  showCaption = false,
  head,
  children,
}: {
  readonly caption: string;
  readonly showCaption?: boolean;
  readonly head: readonly ReactNode[];
  readonly children: ReactNode;
}) {
  return (
    <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label={caption}>
      <table className="w-full border-collapse text-left [&_td]:border-b [&_td]:border-line [&_td]:py-2 [&_td]:pr-4 [&_td]:align-baseline [&_th]:py-2 [&_th]:pr-4 [&_th]:align-bottom">
        <caption className={showCaption ? "pb-2 text-left text-quiet" : "sr-only"}>{caption}</caption>
        <thead>
          <tr className="border-b border-edge text-small text-quiet">
            {head.map((name, index) => (
              <th key={index} scope="col" className="font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
