import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { startPostgres } from "#workers/setup/postgres.ts";
import { asUser } from "#workers/setup/postgres-identity.ts";

const nobody = 65534;
const root = mkdtempSync(join(tmpdir(), "guidepost-identity-"));
chmodSync(root, 0o755); // for the others

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

// Only root can become the others; for everybody else all other tests are the test that an ordinary user does.
describe.runIf(process.getuid?.() === 0)("root", () => {
  test("runs it in a user namespace, as user nobody where there is none, and in a namespace again", async () => {
    const folder = join(root, "root");
    for (const [identity, how, owner] of [
      [undefined, "in a user namespace", 0],
      [asUser("nobody")!, "as user nobody", nobody],
      [undefined, "in a user namespace", 0],
    ] as const) {
      const server = await startPostgres({ folder, ...(identity ? { identity } : {}) });
      expect(server.how).toBe(how);
      expect(statSync(`/proc/${server.pid}`).uid).toBe(owner);
      expect(statSync(join(folder, "cluster", "PG_VERSION")).uid).toBe(owner);
      await ask(server.url, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS x");
      expect(await ask(server.url, "SELECT x FROM kept")).toEqual([[7]]);
      await server.stop();
    }
  });

  test("can make a cluster as user nobody", async () => {
    const server = await startPostgres({ folder: join(root, "nobody"), identity: asUser("nobody")! });
    expect(await ask(server.url, "SELECT 1")).toEqual([[1]]);
    await server.stop();
  });

  for (const [kind, uid, how] of [
    ["an ordinary user", nobody, "as this user"],
    ["a user that /etc/passwd does not know", 54321, "in a user namespace"],
  ] as const) {
    test(`is not needed: ${kind} does as well`, async () => {
      const home = join(root, String(uid));
      mkdirSync(home, { mode: 0o700 });
      chownSync(home, uid, uid);
      const code = `import { startPostgres } from "#workers/setup/postgres.ts"; const server = await startPostgres({ folder: "${home}/data/postgres" });
        console.log(JSON.stringify(server)); process.once("SIGTERM", () => server.stop());`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
        uid,
        gid: uid,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const server = JSON.parse(line.toString()) as { url: string; how: string };
      expect(server.how).toBe(how);
      expect(await ask(server.url, "SELECT 1")).toEqual([[1]]);
      child.kill("SIGTERM");
      expect(await once(child, "close")).toEqual([0, null]);
    });
  }
});
