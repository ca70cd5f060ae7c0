import type { Operation } from "../operation.ts";
import * as account from "./account.ts";
import * as evidence from "./evidence.ts";
import * as files from "./files.ts";
import * as hub from "./hub.ts";
import * as jobs from "./jobs.ts";
import * as previews from "./previews.ts";
import * as prompting from "./prompting.ts";
import * as repos from "./repos.ts";
import * as uploads from "./uploads.ts";

const isOperation = (value: unknown): value is Operation =>
  typeof value === "object" && value !== null && "method" in value && "path" in value && "failures" in value;

/** Every endpoint of this hub, in the order of the document. */
export const operations: readonly Operation[] = [
  account,
  repos,
  files,
  uploads,
  evidence,
  prompting,
  previews,
  jobs,
  hub,
].flatMap((module) => Object.values<unknown>(module).filter(isOperation));
