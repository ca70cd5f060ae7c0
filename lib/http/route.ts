import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Actor } from "#lib/auth/actor.ts";
import { actorOf } from "#lib/auth/actor-of.ts";
import { AppError } from "#lib/errors.ts";
import { log, withLogContext } from "#lib/log.ts";
import { isStorableText } from "#lib/util/storable.ts";
import { disguiseContentLength } from "./content-length.ts";
import { behind, type Door, requireAdmission } from "./door.ts";
import { toAppError, toFailureResponse } from "./failure.ts";
import type { Operation } from "./operation.ts";
import { parseAs } from "./parse-as.ts";
import { notePageFailure, PAGE_REQUEST } from "./page-failures.ts";
import { readJson } from "./read-json.ts";
import { requireSameOrigin } from "./same-origin.ts";

const BODY_LIMIT = 256 * 1024;

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export interface Call<Params, Query, Body> {
  readonly actor: Actor;
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly request: Request;
}

/** What Next gives a route handler beside the request. */
export interface RouteContext {
  readonly params: Promise<Record<string, string | string[] | undefined>>;
}

export type RouteHandler = (request: Request, context: RouteContext) => Promise<Response>;

/**
 * The way from HTTP to a service and back: who is asking, is it well formed, what does a failure look like. The handler returns
 * what the answer's body is to be, or a whole Response.
 */
export function route<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
>(
  operation: Operation<Params, Query, Body>,
  handle: (call: Call<Params, Query, Body>) => Promise<unknown>,
): RouteHandler {
  return behind([operation], (request, context) =>
    answering(request, operation.path, async () => {
      const actor = await actorOf(request.headers);
      if (actor.kind === "person" && actor.tokenId === null) requireSameOrigin(request);
      requireAdmission(actor, operation);
      const parsed = {
        params: parseAs(operation.params, await context.params, "address"),
        query: parseAs(operation.query, queryOf(request), "address"),
        body: parseAs(
          operation.body,
          operation.body && (await readJson(request, operation.bodyLimit ?? BODY_LIMIT)),
          "request",
        ),
      };
      const answer = await handle({ actor, request, ...parsed } as Call<Params, Query, Body>);
      if (answer instanceof Response) return answer;
      if (operation.status === 204) return new Response(null, { status: 204 });
      return Response.json(answer, { status: operation.status });
    }),
  );
}

/** What answers otherwise than in JSON: pages' tables, files, signed addresses. */
export const answerAt = (
  door: Door,
  work: (request: Request, params: Awaited<RouteContext["params"]>) => Promise<Response>,
): ((request: Request, context?: RouteContext) => Promise<Response>) =>
  behind([door], (request, context) =>
    answering(request, door.path, async () => work(request, (await context?.params) ?? {})),
  );

/** Around every answer: a request id, a log line, failures translated, and nothing kept by caches that was not said to be. */
export async function answering(request: Request, template: string, work: () => Promise<Response>): Promise<Response> {
  const requestId = randomUUID();
  const began = performance.now();
  return withLogContext({ requestId }, async () => {
    const response = await work().catch((cause: unknown) => {
      notePageFailure(request.headers.get(PAGE_REQUEST), toAppError(cause));
      return toFailureResponse(cause, requestId);
    });
    response.headers.set("X-Request-Id", requestId);
    disguiseContentLength(response.headers);
    if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "private, no-store");
    log().info({
      event: "request",
      method: request.method,
      route: template,
      status: response.status,
      ms: Math.round(performance.now() - began),
    });
    return response;
  });
}

/** A name that comes once is a text, one that comes again a list of them. */
function queryOf(request: Request): Record<string, string | string[]> {
  const { searchParams } = new URL(request.url);
  requireStorable([...searchParams].flat());
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const all = searchParams.getAll(name);
      return [name, all.length === 1 ? all[0]! : all];
    }),
  );
}

/** What no name and no word here can hold is refused before anything looks for it. */
export function requireStorable(texts: readonly string[]): void {
  if (texts.every(isStorableText)) return;
  throw new AppError("bad_request", "The address holds a NUL, which no name here has; take it out and ask again.");
}
