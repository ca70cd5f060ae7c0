import type { z } from "zod";
import type { Scope } from "#lib/auth/actor.ts";
import type { FailureCode } from "#lib/errors.ts";

type Shape = z.ZodObject | undefined;

/** One endpoint: what a route parses and checks, and what the OpenAPI document says of it. */
export interface Operation<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
> {
  /** In the document and in clients made from it: «createRepo». */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: `/api/v1/repos/{owner}/{repo}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: "account" | "repos" | "files" | "uploads" | "evidence" | "previews" | "jobs" | "hub";
  /** Who may call: `null` anyone, else a person, by a session or by a token with that scope. What they may touch is for the data layer. */
  readonly scope: Scope | null;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** In bytes, of the body; 256 KiB where nothing is said. */
  readonly bodyLimit?: number;
  readonly status: 200 | 201 | 202 | 204;
  /** Of the answer; none for 204. A text where the answer is not JSON: its media type. */
  readonly response?: z.ZodType | string;
  /** Beside those that every endpoint of its shape may have: bad input, nobody signed in, no such right, a database that is away. */
  readonly failures: readonly FailureCode[];
}

/** Keeps the literal types of one endpoint's schemas. */
export const operation = <
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  one: Operation<Params, Query, Body>,
): Operation<Params, Query, Body> => one;
