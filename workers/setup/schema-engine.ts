#!/usr/bin/env node
/**
 * Stands in for the native schema engine that Prisma's command line would download: the same JSON-RPC on stdin and stdout and
 * the same `cli` words, served by the WebAssembly engine from npm. prisma.config.ts points the command line here.
 *
 *   schema-engine.ts [--datamodels file]… [--datasource {"url":…}]                        a request per line
 *   schema-engine.ts --datasource {"url":…} cli can-connect-to-database | create-database | drop-database
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";
import { withDatabase } from "#lib/db/database-url.ts";
import { migrationAdapter } from "./schema-engine-adapter.ts";

interface Request {
  readonly id: number;
  readonly method?: string; // missing in the answer to our own “print”
  readonly params: Readonly<Record<string, unknown>>;
}

const string = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    datasource: string,
    datamodels: { ...string, multiple: true },
    "enabled-preview-features": string,
    "extension-types": string,
  },
});
const url = values.datasource === undefined ? undefined : (JSON.parse(values.datasource) as { url: string }).url;

if (positionals[0] === "cli") process.exitCode = await runWord(positionals[1] ?? "", url ?? "");
else serve();

function serve(): void {
  let engine: Promise<SchemaEngine> | undefined;
  let current: number | undefined;

  // The command line takes an engine that ends without an answer for a success.
  const lastWords = (cause: unknown): void => {
    if (current !== undefined) sendFailure(current, cause);
    setTimeout(() => process.exit(1), 50);
  };
  process.on("uncaughtException", lastWords).on("unhandledRejection", lastWords);

  const answer = async ({ id, method, params }: Request): Promise<void> => {
    if (method === undefined) return;
    current = id;
    try {
      const result = await call(await (engine ??= loadEngine()), method, params);
      const { stdout } = (result ?? {}) as { readonly stdout?: string | null };
      if (stdout) send({ id: 1_000_000 + id, method: "print", params: { content: stdout } });
      send({ id, result: stdout ? { ...(result as object), stdout: null } : (result ?? null) });
    } catch (cause) {
      sendFailure(id, cause);
    } finally {
      current = undefined;
    }
  };

  let queue = Promise.resolve();
  const lines = createInterface({ input: process.stdin });
  lines.on(
    "line",
    (line) => (queue = queue.then(() => (line.trim() ? answer(JSON.parse(line) as Request) : undefined))),
  );
  lines.on("close", () => void queue.then(() => process.exit(0)));
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function sendFailure(id: number, cause: unknown): void {
  const {
    message = String(cause),
    code = null,
    meta = null,
  } = cause as { message?: string; code?: string; meta?: unknown };
  const data = { is_panic: false, message: panic || message, meta, error_code: code };
  send({ id, error: { code: 4466, message: "An error happened. Check the data field for details.", data } });
}

async function call(engine: SchemaEngine, method: string, params: Request["params"]): Promise<unknown> {
  const methods = engine as unknown as Readonly<Record<string, (params: Request["params"]) => Promise<unknown>>>;
  const named = method === "getDatabaseVersion" ? "version" : method;
  if (typeof methods[named] !== "function") throw new Error(`The schema engine has no method ${method}.`);
  // These two want the schema that the history ends in, which the WebAssembly engine works out only here.
  if (method === "evaluateDataLoss" || method === "createMigration")
    await methods["diagnoseMigrationHistory"]!({ ...params, optInToShadowDatabase: true });
  return methods[named](params);
}

let panic = "";

async function loadEngine(): Promise<SchemaEngine> {
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => (panic = message) } });
  process.removeAllListeners("warning"); // that importing WebAssembly is experimental; the command line reads our stderr
  const wasm = await import("@prisma/schema-engine-wasm");
  const datamodels = values.datamodels?.map((path): [string, string] => [path, readFileSync(path, "utf8")]);
  const adapter = url === undefined ? undefined : bindMigrationAwareSqlAdapterFactory(migrationAdapter(url));
  return wasm.SchemaEngine.new({ datamodels }, () => {}, adapter as object); // without one for commands that need no database
}

async function runWord(word: string, at: string): Promise<number> {
  log("INFO", "Starting schema engine CLI"); // the command line drops the first line
  const database = decodeURIComponent(new URL(at).pathname.slice(1));
  const words: Readonly<Record<string, readonly [database: string, sql: string]>> = {
    "can-connect-to-database": [database, "SELECT 1"],
    "create-database": ["postgres", `CREATE DATABASE ${pg.escapeIdentifier(database)}`],
    "drop-database": ["postgres", `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`],
  };
  const found = words[word];
  if (!found) {
    log("ERROR", `The schema engine has no word ${word}.`, "P0000");
    return 1;
  }
  const client = new pg.Client({ connectionString: withDatabase(at, found[0]) });
  try {
    await client.connect();
    await client.query(found[1]);
    return 0;
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    if (code === "3D000") log("ERROR", `Database ${database} does not exist`, "P1003");
    else if (code === "28P01") log("ERROR", "Authentication failed against the database server", "P1000");
    else log("ERROR", `Can't reach the database server at ${new URL(at).host}: ${message}`, "P1001");
    return 1;
  } finally {
    await client.end();
  }
}

function log(level: "INFO" | "ERROR", message: string, code?: string): void {
  process.stderr.write(
    `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields: { message, is_panic: false, error_code: code, meta: {} }, target: "schema_engine::logger" })}\n`,
  );
}
