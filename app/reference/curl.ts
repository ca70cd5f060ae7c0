import { env } from "#lib/env.ts";
import type { DescribedOperation, DescribedSchema } from "#lib/http/openapi.ts";

/** A line to paste into a terminal, with what must be given written in capitals. */
export function curlOf(
  method: string,
  path: string,
  { parameters, requestBody, security }: DescribedOperation,
): string {
  const address = env().publicUrl + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => toPlaceholder(name));
  const query = parameters
    .filter((one) => one.in === "query" && one.required)
    .map(({ name }) => `${name}=${toPlaceholder(name)}`);
  const body = requestBody?.content["application/json"]?.schema;
  const parts = [
    method === "GET" ? "curl" : `curl -X ${method}`,
    ...authorisationOf(security),
    ...(body === undefined ? [] : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(exampleOf(body))}'`]),
    `"${[address, query.join("&")].filter(Boolean).join("?")}"`,
  ];
  return parts.join(" \\\n  ");
}

/** Where no token will do, the cookies of a sign-in, which change something only from the hub's own address. */
function authorisationOf(security: DescribedOperation["security"]): string[] {
  if (security === undefined) return [];
  if (security.some((one) => "token" in one)) return ['-H "Authorization: Bearer $TOKEN"'];
  return ["-b jar", `-H "Origin: ${env().publicUrl}"`];
}

const toPlaceholder = (name: string): string => name.replaceAll(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();

/** What must be given, each with a value of its kind. */
function exampleOf(schema: DescribedSchema, name = ""): unknown {
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined) return exampleOf(first, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  switch ([schema.type].flat()[0]) {
    case "object":
      return Object.fromEntries(
        (schema.required ?? []).map((key) => [key, exampleOf(schema.properties?.[key] ?? {}, key)]),
      );
    case "array":
      return schema.items === undefined ? [] : [exampleOf(schema.items, name)];
    case "integer":
    case "number":
      return 1;
    case "boolean":
      return true;
    default:
      return toPlaceholder(name);
  }
}
