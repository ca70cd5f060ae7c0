import type { Operation } from "../operation.ts";
import * as account from "./account.ts";
import * as distillations from "./distillations.ts";
import * as evidence from "./evidence.ts";
import * as files from "./files.ts";
import * as hashes from "./hashes.ts";
import * as hub from "./hub.ts";
import * as jobs from "./jobs.ts";
import * as previews from "./previews.ts";
import * as prompting from "./prompting.ts";
import * as repos from "./repos.ts";
import * as uploads from "./uploads.ts";

const isOperation = (value: unknown): value is Operation =>
  typeof value === "object" && value !== null && "method" in value && "path" in value && "failures" in value;

const modules = [
  account,
  repos,
  files,
  hashes,
  uploads,
  evidence,
  prompting,
  previews,
  distillations,
  jobs,
  hub,
] as const;

/** Every endpoint of this hub, in the order of the document. */
export const operations: readonly Operation[] = modules.flatMap((module) =>
  Object.values<unknown>(module).filter(isOperation),
);

type IdIn<Module> = Module extends unknown
  ? { [Name in keyof Module]: Module[Name] extends Operation<any, any, any, infer Id> ? Id : never }[keyof Module]
  : never;

/** The name of each endpoint: a table over all of them does not compile while one is missing. */
export type OperationId = IdIn<(typeof modules)[number]>;
