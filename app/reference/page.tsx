import type { Metadata } from "next";
import { env } from "#lib/env.ts";
import type { DescribedOperation } from "#lib/http/openapi.ts";
import { toPlural } from "../_page/units.ts";
import { Code } from "../_ui/code.tsx";
import { Table } from "../_ui/table.tsx";
import { eachOperation } from "./operations.ts";
import { titleOf } from "./titles.ts";

export const metadata: Metadata = {
  title: "API",
  description: "Every endpoint of this hub: what it takes, what it answers, who may call it.",
};

/** Every endpoint of the hub, from the document that its routes are made of; each has a page of its own. */
export default function ReferencePage() {
  const all = [...eachOperation()];
  const groups = Map.groupBy(all, ({ operation }) => operation.tags[0]!);
  return (
    <>
      <h1 className="text-page">API</h1>
      <p className="mt-2 max-w-[68ch]">
        Everything on these pages can be done from a script. Bodies and answers are JSON, sizes are bytes, and dates are
        in UTC. Reading what is public needs no token; for the rest make one in your <a href="/settings">settings</a>.{" "}
        <a href="/api/v1/openapi.json">The OpenAPI document</a> says the same to programs.
      </p>
      <div className="mt-4 max-w-[80ch]">
        <Code label="A first request" text={`curl "${env().publicUrl}/api/v1/repos?kind=guide"`} />
      </div>
      <nav aria-label="Groups" className="mt-6 flex flex-wrap gap-x-5 gap-y-1">
        {[...groups].map(([tag, operations]) => (
          <a key={tag} href={`#${tag}`} className="max-sm:py-1.5">
            {titleOf(operations[0]!.operation)} <span className="text-quiet">{operations.length}</span>
          </a>
        ))}
      </nav>
      <p className="sr-only">{toPlural(all.length, "endpoint")}</p>
      {[...groups].map(([tag, operations]) => (
        <section key={tag} id={tag} className="mt-10">
          <h2 className="text-title">{titleOf(operations[0]!.operation)}</h2>
          <Table caption={titleOf(operations[0]!.operation)} head={["endpoint", "what it does"]}>
            {operations.map(({ method, path, operation }) => (
              <Row key={operation.operationId} method={method} path={path} operation={operation} />
            ))}
          </Table>
        </section>
      ))}
    </>
  );
}

function Row({
  method,
  path,
  operation: { operationId, summary },
}: {
  readonly method: string;
  readonly path: string;
  readonly operation: DescribedOperation;
}) {
  return (
    <tr data-row>
      <td className="w-1/2 min-w-64 [overflow-wrap:anywhere]">
        <a href={`/reference/${operationId}`} className="inline-block py-0.5 no-underline hover:underline">
          <code>
            <span className="inline-block min-w-14 text-quiet">{method}</span> {path}
          </code>
        </a>
      </td>
      <td>{summary}</td>
    </tr>
  );
}
