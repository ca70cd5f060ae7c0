import type { z } from "zod";
import type { FailureCode } from "#lib/errors.ts";
import type { Door } from "./door.ts";

type Shape = z.ZodObject | undefined;

/** One endpoint: what a route parses and checks, and what the OpenAPI document says of it. */
export interface Operation<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Id extends string = string,
> extends Door<Id> {
  readonly summary: string;
  readonly tag: "account" | "repos" | "files" | "uploads" | "evidence" | "previews" | "distillations" | "jobs" | "hub";
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

/** Keeps the literal types of one endpoint's schemas, and its name. */
export const operation = <
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends z.ZodType | undefined = undefined,
  const Id extends string = string,
>(
  one: Operation<Params, Query, Body, Id>,
): Operation<Params, Query, Body, Id> => one;
