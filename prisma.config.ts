import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "prisma/config";
import { env } from "./lib/env.ts";

process.env["CHECKPOINT_DISABLE"] = "1"; // no call home
// Prisma would download a schema engine. Ours is a script, which the system starts with the first `node` on the path.
process.env["PRISMA_SCHEMA_ENGINE_BINARY"] = fileURLToPath(new URL("workers/setup/schema-engine.ts", import.meta.url));
process.env["PATH"] = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);

export default defineConfig({
  schema: "prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: env().databaseUrl ?? "postgresql://nobody@127.0.0.1:1/set-DATABASE_URL" },
});
