import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openSession } from "#lib/auth/session.ts";
import { createToken } from "#lib/auth/token.ts";
import { database } from "#lib/db/client.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { type RunningPostgres, startPostgres } from "#workers/setup/postgres.ts";
import { newPerson } from "../support/actors.ts";
import { freeze, thaw } from "../support/frozen.ts";
import type { OpenApi } from "../support/fuzz/targets.ts";
import { migrationsFolder } from "../support/temp-database.ts";
import { startWeb, type WebProcess } from "../support/web-process.ts";

// A database that is stopped and comes back, under a web process that knows nothing of it: everybody is told so, in their own form, and
// all of it works again by itself.

vi.setConfig({ hookTimeout: 400_000 }); // the first start builds the pages

const folder = await mkdtemp(join(tmpdir(), "guidepost-away-"));
const own = { folder: join(folder, "postgres"), settings: { fsync: "off" } };
let postgres: RunningPostgres = await startPostgres(own);
Object.assign(process.env, {
  DATABASE_URL: postgres.url,
  GUIDEPOST_DATA: folder,
  GUIDEPOST_SECRET: "only-for-tests-0123456789abcdef0123",
  LOG_LEVEL: "error",
});
let web: WebProcess;
/** Nobody, a program with a token, and a browser with a session. */
const visitors: Record<string, string>[] = [{}];

beforeAll(async () => {
  await applyMigrations(postgres.url, migrationsFolder);
  web = await startWeb({});
  const ann = await newPerson("ann");
  const { secret } = await createToken(ann, { name: "all", scopes: ["read", "write", "run"] });
  await database().account.create({
    data: { id: "a", accountId: ann.userId, providerId: "credential", userId: ann.userId, password: "hash" },
  });
  const cookies = (await openSession(ann.userId, "hash", new Headers())).getSetCookie();
  const cookie = cookies.map((one) => one.split(";")[0]!).join("; ");
  visitors.push({ authorization: `Bearer ${secret}` }, { cookie, accept: "text/html,*/*" });
});
afterAll(async () => {
  await web?.stop();
  await closeQueue();
  await database().$disconnect();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

const app = join(import.meta.dirname, "../../app");
const params: Readonly<Record<string, string>> = { id: "0199c0de-0000-7000-8000-000000000000", revision: "main" };
const pages = globSync("**/page.tsx", { cwd: app }).map(
  (file) =>
    `/${file
      .split("/")
      .slice(0, -1)
      .filter((segment) => !segment.startsWith("("))
      .map((segment) => segment.replace(/^\[+(?:\.\.\.)?(\w+)\]+$/, (_all, name: string) => params[name] ?? "a"))
      .join("/")}`,
);

/** Every page for every visitor. */
const askPages = (): Promise<{ page: string; isAnonymous: boolean; answer: Response; text: string }[]> =>
  Promise.all(
    pages.flatMap((page) =>
      visitors.map(async (headers) => {
        const answer = await fetch(web.url + page, { headers, redirect: "manual" });
        return { page, isAnonymous: headers === visitors[0], answer, text: await answer.text() };
      }),
    ),
  );

async function expectEverybodyTold(): Promise<void> {
  const styles = new Set<string>();
  for (const { page, isAnonymous, answer, text } of await askPages()) {
    if (isAnonymous && answer.status < 500 && !["/", "/browse", "/a/a", "/pairs"].includes(page)) continue; // needs no database
    expect([page, answer.status]).toEqual([page, 503]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self' 'nonce-");
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(text).toContain("The database does not answer at the moment");
    expect(text).toContain(answer.headers.get("x-request-id"));
    expect(text).toContain(`<a href="${page}">Try again</a>`);
    expect(text).not.toContain("<script");
    for (const [, address] of text.matchAll(/<link rel="stylesheet" href="([^"]+)"/g)) styles.add(address!);
  }
  expect(styles.size).toBeGreaterThan(0);
  for (const address of [...styles, "/icon.svg"])
    expect([address, (await fetch(web.url + address)).status]).toEqual([address, 200]);

  const { paths } = (await (await fetch(`${web.url}/api/v1/openapi.json`)).json()) as OpenApi;
  const reads = Object.entries(paths).flatMap(([path, methods]) =>
    "get" in methods && path.startsWith("/api/") ? [path] : [],
  );
  const told = await Promise.all(
    reads.flatMap((path) =>
      visitors.map(async (headers) => {
        const address = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => params[name] ?? "a");
        const answer = await fetch(web.url + address, { headers });
        const { code } = (await answer.json()) as { code?: string };
        return {
          path,
          isAnonymous: headers === visitors[0],
          status: answer.status,
          code,
          at: answer.headers.get("retry-after"),
        };
      }),
    ),
  );
  const away = told.filter(({ status }) => status === 503);
  expect(away.filter(({ code, at }) => code !== "database_unavailable" || Number(at) < 1)).toEqual([]);
  // What can be refused without asking is refused; nothing is a failure of ours.
  expect(told.filter(({ status, isAnonymous }) => status !== 503 && !(isAnonymous && status < 500))).toEqual([]);

  const form = await fetch(`${web.url}/sign-in/submit`, {
    method: "POST",
    headers: {
      accept: "text/html",
      origin: web.url,
      referer: `${web.url}/sign-in?next=%2Fjobs`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "login=ann&password=correct+horse+battery",
    redirect: "manual",
  });
  expect([form.status, form.headers.get("content-type")]).toEqual([503, "text/html; charset=utf-8"]);
  expect(await form.text()).toContain('<a href="/sign-in?next=%2Fjobs">Try again</a>');

  // What it found a moment ago it says again.
  await expect
    .poll(readyz)
    .toMatchObject([
      503,
      { ready: false, database: { ok: false, problem: expect.stringContaining("database does not answer") as string } },
    ]);
  expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
}

const readyz = async (): Promise<[status: number, body: unknown]> => {
  const answer = await fetch(`${web.url}/readyz`, { headers: { accept: "text/html" } });
  return [answer.status, await answer.json()];
};

const statuses = async (): Promise<number[]> =>
  [...new Set((await askPages()).map(({ answer }) => answer.status))].toSorted((a, b) => a - b);

test("a database that was stopped is told as what it is, and everything is back with it", async () => {
  const before = await statuses();
  expect(before.every((status) => status < 500)).toBe(true);
  for (const how of ["SIGINT", "SIGKILL"] as const) {
    process.kill(postgres.pid, how);
    await postgres.ended;
    await expectEverybodyTold();
    const { url } = postgres;
    postgres = await startPostgres(own);
    expect(postgres.url).toBe(url);
    await expect.poll(statuses).toEqual(before);
    await expect.poll(async () => (await readyz())[0]).toBe(200);
  }
});

test("a database that is frozen is told within seconds as one that is away, and everything is back with it", async () => {
  const before = await statuses();
  freeze(postgres.pid);
  try {
    await expectEverybodyTold();
    expect(web.said().match(/database\.silent/g)).toHaveLength(1); // found once, and then nobody waited
  } finally {
    thaw(postgres.pid);
  }
  await expect.poll(statuses).toEqual(before);
  await expect.poll(async () => (await readyz())[0]).toBe(200);
});

test("while it stops and comes back nobody is told of a failure of ours", async () => {
  const seen = new Set<number>();
  const over = new AbortController();
  const asking = (async () => {
    while (!over.signal.aborted) for (const { answer } of await askPages()) seen.add(answer.status);
  })();
  process.kill(postgres.pid, "SIGINT");
  await postgres.ended;
  await expect.poll(() => seen.has(503)).toBe(true);
  postgres = await startPostgres(own);
  await expect.poll(async () => (await fetch(web.url)).status).toBe(200);
  over.abort();
  await asking;
  expect([...seen].filter((status) => status >= 500)).toEqual([503]);
});
