import { csvLine } from "#lib/util/csv.ts";
import { Copy } from "../../_islands/copy.tsx";
import { Table } from "../table.tsx";

/** What a picture of numbers was drawn from, to read and to take away. */
export function ChartData({
  id,
  name,
  head,
  rows,
}: {
  readonly id: string;
  readonly name: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}) {
  const csv = [head, ...rows].map(csvLine).join("");
  return (
    <details className="mt-1 text-small">
      <summary className="w-fit text-quiet">
        Show data<span className="sr-only"> of “{name}”</span>
      </summary>
      <div className="mt-1 max-w-[440px]">
        <Table caption={`Data of “${name}”`} head={head}>
          {rows.map((row) => (
            <tr key={row.join()}>
              {row.map((cell, index) => (
                <td key={index}>{cell}</td>
              ))}
            </tr>
          ))}
        </Table>
        <p className="mt-2 flex items-center gap-2">
          <Copy text={csv} label={`Copy as CSV: ${name}`} showLabel />
          <a href={`data:text/csv;charset=utf-8,${encodeURIComponent(csv)}`} download={`${id}.csv`}>
            Download as CSV<span className="sr-only">: {name}</span>
          </a>
        </p>
      </div>
    </details>
  );
}
