import { z } from "zod";
import { needsSession, permissions } from "#lib/auth/permission.ts";
import { type FailureCode, failures } from "#lib/errors.ts";
import { version } from "#lib/version.ts";
import type { Operation } from "./operation.ts";

/** A schema, as far as the pages that show it read it. */
export interface DescribedSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, DescribedSchema>>;
  readonly required?: readonly string[];
  readonly items?: DescribedSchema;
  readonly anyOf?: readonly DescribedSchema[];
  readonly oneOf?: readonly DescribedSchema[];
  readonly additionalProperties?: DescribedSchema | boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly default?: unknown;
  readonly [keyword: string]: unknown;
}

type Content = Readonly<Record<string, { readonly schema?: DescribedSchema }>>;

/** One endpoint in the document. */
export interface DescribedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  /** Who may call it, in words. */
  readonly description: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: DescribedSchema;
  }[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

/** The document: by the path and the method in small letters what an endpoint is. */
export interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly [part: string]: unknown;
}

/** The OpenAPI 3.1 document of these endpoints, made from the schemas that the routes parse with. */
export function toOpenApi(operations: readonly Operation[], url: string): Described {
  const paths: Record<string, Record<string, DescribedOperation>> = {};
  for (const operation of operations)
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  return {
    openapi: "3.1.0",
    info: {
      title: "Guidepost",
      version,
      description: "A registry of plug-and-play diffusion guides. Sizes are bytes, dates ISO 8601.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Failure: schemaOf(Failure, "output") },
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An access token from your settings." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "guidepost.session_token",
          description: "Of a browser that signed in.",
        },
      },
    },
  };
}

/** What every failure looks like; the headers X-Error-Code and X-Error-Message say the same to Hub clients. */
const Failure = z.object({
  error: z.string().meta({ description: "A sentence: what happened, and what to do next." }),
  code: z.enum(Object.keys(failures) as [FailureCode, ...FailureCode[]]),
  detail: z.record(z.string(), z.unknown()),
  requestId: z.string(),
});

function describe(operation: Operation): DescribedOperation {
  const { id, summary, tag, scope, permission, params, query, body, status } = operation;
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(scope !== null && {
      security: needsSession.has(permission) ? [{ session: [] }] : [{ session: [] }, { token: [] }],
    }),
    description: needsOf(operation),
    parameters: [...parametersOf(params, "path"), ...parametersOf(query, "query")],
    ...(body && {
      requestBody: { required: true, content: { "application/json": { schema: schemaOf(body, "input") } } },
    }),
    responses: { [status]: answerOf(operation), ...failuresOf(operation) },
  };
}

/** Who may call, in words. */
function needsOf({ scope, permission }: Operation): string {
  const who = permissions[permission];
  if (scope === null || needsSession.has(permission)) return who;
  return `${who} A token needs the scope ${[scope].flat().join(" or ")}.`;
}

function parametersOf(
  schema: z.ZodObject | undefined,
  place: "path" | "query",
): DescribedOperation["parameters"][number][] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description && { description }),
    schema: rest,
  }));
}

function answerOf({ status, response }: Operation): DescribedOperation["responses"][string] {
  if (response === undefined) return { description: status === 204 ? "Done." : "OK" };
  const content =
    typeof response === "string"
      ? { [response]: {} }
      : { "application/json": { schema: schemaOf(response, "output") } };
  return { description: status === 202 ? "Accepted; the work is queued." : "OK", content };
}

/** Failures of one status share an entry. Every endpoint may also find its input bad, or a part of the hub away. */
function failuresOf({ failures: codes, params, query, body, scope }: Operation): DescribedOperation["responses"] {
  const takesInput = params !== undefined || query !== undefined || body !== undefined;
  const all = new Set<FailureCode>([
    ...codes,
    ...(takesInput ? (["bad_request"] as const) : []),
    ...(scope === null ? [] : (["unauthenticated", "forbidden"] as const)),
    "database_unavailable",
    "busy",
  ]);
  const byStatus = Object.groupBy(all, (code) => failures[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same]) => [
      status,
      {
        description: same!.join(", "),
        content: { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } },
      },
    ]),
  );
}

/** Dates go over the wire as text, and what only code can check is left to the server to say. */
const schemaOf = (schema: z.ZodType, io: "input" | "output"): DescribedSchema => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === "date") Object.assign(jsonSchema, { type: "string", format: "date-time" });
    },
  }) as Record<string, unknown>;
  return json;
};
