import type { Metadata } from "next";
import { notFound } from "next/navigation.js";
import type { DescribedOperation, DescribedSchema } from "#lib/http/openapi.ts";
import { Code } from "../../_ui/code.tsx";
import { Table } from "../../_ui/table.tsx";
import { curlOf } from "../curl.ts";
import { type Field, fieldsOf, typeOf } from "../fields.ts";
import { eachOperation } from "../operations.ts";
import { titleOf } from "../titles.ts";

interface Props {
  readonly params: Promise<{ readonly operation: string }>;
}

const endpointOf = (id: string) =>
  [...eachOperation()].find(({ operation }) => operation.operationId === id) ?? notFound();

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { method, path, operation } = endpointOf((await params).operation);
  return { title: `${method} ${path}`, description: operation.summary };
}

/** One endpoint: what it does, who may call it, what it takes and what it answers. */
export default async function EndpointPage({ params }: Props) {
  const { method, path, operation } = endpointOf((await params).operation);
  const body = operation.requestBody?.content["application/json"]?.schema;
  const [status, answer] = Object.entries(operation.responses).find(([code]) => code < "300") ?? [];
  const [mediaType, content] = Object.entries(answer?.content ?? {})[0] ?? [];
  return (
    <>
      <nav aria-label="Where this is" className="text-small">
        <a href="/reference">API</a> <span className="text-quiet">/</span>{" "}
        <a href={`/reference#${operation.tags[0]}`}>{titleOf(operation)}</a>
      </nav>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        <code>
          {method} {path}
        </code>
      </h1>
      <p className="mt-2 max-w-[68ch] text-title">{operation.summary}</p>
      <p className="mt-2 max-w-[68ch] text-quiet">{operation.description}</p>
      <div className="mt-4 max-w-[80ch]">
        <Code label="With curl" text={curlOf(method, path, operation)} />
      </div>
      {operation.parameters.length > 0 && (
        <Fields id="address" title="In the address" fields={operation.parameters.map(toField)} />
      )}
      {body && <Fields id="body" title="Body" fields={fieldsOf(body)} />}
      <Answer status={status} mediaType={mediaType} schema={content?.schema} />
      <Failures responses={operation.responses} />
    </>
  );
}

const toField = ({ name, required, description, schema }: DescribedOperation["parameters"][number]): Field => ({
  path: name,
  type: typeOf(schema),
  isRequired: required,
  says: description ?? "",
});

function Fields({
  id,
  title,
  fields,
}: {
  readonly id: string;
  readonly title: string;
  readonly fields: readonly Field[];
}) {
  return (
    <section className="mt-8">
      <h2 id={id} className="text-title">
        {title}
      </h2>
      <Table caption={title} head={["field", "type", "meaning"]}>
        {fields.map(({ path, type, isRequired, says }) => (
          <tr key={path}>
            <td className="[overflow-wrap:anywhere]">
              <code>{path}</code>
              {!isRequired && <span className="ml-2 text-small text-quiet">optional</span>}
            </td>
            <td className="max-w-72 text-small [overflow-wrap:anywhere]">{type}</td>
            <td>{says}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Answer({
  status = "200",
  mediaType,
  schema,
}: {
  readonly status: string | undefined;
  readonly mediaType: string | undefined;
  readonly schema: DescribedSchema | undefined;
}) {
  if (schema) return <Fields id="answer" title={`Answer, ${status}`} fields={fieldsOf(schema)} />;
  return (
    <section className="mt-8">
      <h2 id="answer" className="text-title">
        Answer, {status}
      </h2>
      <p>{mediaType === undefined ? "No body." : <code>{mediaType}</code>}</p>
    </section>
  );
}

/** By status, the codes that an answer's `code` may have. */
function Failures({ responses }: Pick<DescribedOperation, "responses">) {
  const failed = Object.entries(responses).filter(([status]) => status >= "400");
  return (
    <section className="mt-8">
      <h2 id="failures" className="text-title">
        Failures
      </h2>
      <p className="max-w-[68ch] text-quiet">
        Each answers JSON with <code>error</code>, a sentence that says what happened and what to do next, and{" "}
        <code>code</code>, one of these.
      </p>
      <Table caption="Failures" head={["status", "code"]}>
        {failed.map(([status, { description }]) => (
          <tr key={status}>
            <td>{status}</td>
            <td>
              <code>{description}</code>
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
