import { isDriverAdapterError } from "@prisma/driver-adapter-utils";
import { Prisma } from "./generated/client.ts";

/** What PostgreSQL said when it failed. */
export interface SqlFailure {
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly message: string;
  readonly detail: string | null;
  /** The index or foreign key, where the adapter passes its name on. */
  readonly index: string | null;
}

/** Null for failures that did not come from PostgreSQL. A statement's is wrapped by Prisma, a COMMIT's comes as it is. */
export function toSqlFailure(failure: unknown): SqlFailure | null {
  const told = failure instanceof Prisma.PrismaClientKnownRequestError ? failure.meta?.["driverAdapterError"] : failure;
  if (!(told instanceof Error) || !isDriverAdapterError(told) || told.cause.originalCode === undefined) return null;
  const { cause } = told;
  return {
    code: told.cause.originalCode,
    message: cause.originalMessage ?? "",
    detail: cause.kind === "postgres" ? (cause.detail ?? null) : null,
    index: "constraint" in cause && cause.constraint && "index" in cause.constraint ? cause.constraint.index : null,
  };
}
