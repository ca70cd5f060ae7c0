import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonSchema } from "./from-schema.ts";
import { routeFiles } from "../route-files.ts";

/** An address that takes requests, with what it takes. */
export interface Target {
  readonly method: string;
  /** As OpenAPI writes it; `{path*}` stands for any number of segments. */
  readonly path: string;
  readonly query: readonly { readonly name: string; readonly schema: JsonSchema }[];
  readonly body: { readonly kind: "json" | "form"; readonly schema: JsonSchema } | null;
}

export interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
            readonly requestBody?: {
              readonly content: Readonly<Record<string, { readonly schema: JsonSchema } | undefined>>;
            };
          }
        >
      >
    >
  >;
}

const app = join(import.meta.dirname, "../../../app");

/** Every operation of the document, and of the folder `app` every page and every other route. */
export function targetsOf(document: OpenApi): readonly Target[] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]): Target => {
      const schema = requestBody?.content["application/json"]?.schema;
      return {
        method: method.toUpperCase(),
        path,
        query: parameters.filter((parameter) => parameter.in === "query"),
        body: schema ? { kind: "json", schema } : null,
      };
    }),
  );
  const described = new Set(operations.map(({ path }) => path));
  const anyField = fieldsOf(operations);
  const query = Object.entries(anyField).map(([name, schema]) => ({ name, schema }));
  const pages = globSync("**/page.tsx", { cwd: app }).map((file): Target => ({
    method: "GET",
    path: toPath(file),
    query,
    body: null,
  }));
  const others = routeFiles(app)
    .filter((file) => !described.has(toPath(file)))
    .flatMap((file) => {
      const text = readFileSync(join(app, file), "utf8");
      return ["GET", "HEAD", "POST", "PUT"]
        .filter((method) => new RegExp(`^export .*\\b${method}\\b`, "m").test(text))
        .map((method): Target => ({
          method,
          path: toPath(file),
          query,
          body: method === "POST" ? { kind: "form", schema: { type: "object", properties: anyField } } : null,
        }));
    });
  return [...operations, ...pages, ...others];
}

/** `app/(account)/[owner]/[[...path]]/page.tsx` → `/{owner}/{path*}` */
const toPath = (file: string): string =>
  `/${file
    .split("/")
    .slice(0, -1)
    .filter((segment) => !/^\(.*\)$/.test(segment))
    .map((segment) => segment.replace(/^\[?\[\.\.\.(\w+)\]\]?$/, "{$1*}").replace(/^\[(\w+)\]$/, "{$1}"))
    .join("/")}`;

/** Which fields a page or a form takes stands in no document: all that any operation takes, and what only pages call so. */
function fieldsOf(operations: readonly Target[]): Readonly<Record<string, JsonSchema>> {
  const known = operations.flatMap(({ query, body }) => [
    ...query.map(({ name, schema }) => [name, schema] as const),
    ...Object.entries(body?.schema.properties ?? {}),
  ]);
  const onPages = ["next", "invitation", "done", "login", "confirm", "organisation", "token", "days", "hours", "theme"];
  const inStudio = ["promptSyntax", "sampler", "size", "guidance", "cfgSteps", "clipSkip", "loraStrength"];
  return Object.fromEntries([
    ...[...onPages, ...inStudio].map((name) => [name, { type: "string" }] as const),
    ...known,
  ]);
}
