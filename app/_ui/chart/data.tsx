import { Copy } from "../../_islands/copy.tsx";
import { Table } from "../table.tsx";

/** What a picture of numbers was drawn from, to read and to take away. */
export function ChartData({ name, head, rows }: { readonly name: string; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }) {
  return (
    <details className="mt-1 text-small">
      <summary className="text-quiet">Show data</summary>
      <div className="mt-1 max-w-[520px]">
        <Table caption={`Data of «${name}»`} head={head}>
          {rows.map((row) => (
            <tr key={row.join()}>
              {row.map((cell, index) => (
                <td key={index}>{cell}</td>
              ))}
            </tr>
          ))}
        </Table>
        <p className="mt-1">
          <Copy text={[head, ...rows].map((row) => row.join(",")).join("\n")} label={`Copy as CSV: ${name}`} showLabel /> as CSV
        </p>
      </div>
    </details>
  );
}
