import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { prismaAdapter } from "better-auth/adapters/prisma";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Scope, scopes } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { operation } from "#lib/http/operation.ts";
import { route, type RouteHandler } from "#lib/http/route.ts";
import { GET as listInvitations, POST as createInvitation } from "../../../app/api/v1/invitations/route.ts";
import { POST as changePassword } from "../../../app/api/v1/me/password/route.ts";
import { GET as getMe, PATCH as updateMe } from "../../../app/api/v1/me/route.ts";
import { POST as createOrganisation } from "../../../app/api/v1/namespaces/route.ts";
import { DELETE as deleteToken } from "../../../app/api/v1/tokens/[id]/route.ts";
import { GET as listTokens, POST as createToken } from "../../../app/api/v1/tokens/route.ts";
import { signUpGuest, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { type Answer, Visitor, withToken } from "../../support/visitor.ts";

const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();
const ann = await signUpOwner("ann");

afterAll(async () => {
  await client.end();
  await hub.close();
});

const make = async (wish: object, visitor = ann): Promise<{ id: string; secret: string }> => {
  const answer = await visitor.ask(createToken, {
    method: "POST",
    body: { name: "laptop", scopes: ["read"], ...wish },
  });
  expect(answer.status).toBe(201);
  return answer.body;
};
const program = new Visitor();
const use = (secret: string, handler: RouteHandler = getMe, ask = {}): Promise<Answer> =>
  program.ask(handler, { ...ask, ...withToken(secret) });

test("a token speaks for its person until it is deleted", async () => {
  const { id, secret } = await make({ scopes: ["run", "read", "read"], expiresInDays: 30 });
  expect(secret).toMatch(/^hf_[A-Za-z0-9]{43}$/);
  expect(await use(secret)).toMatchObject({
    status: 200,
    body: { username: "ann", isOperator: true, scopes: ["read", "run"] },
  });
  const { items } = (await ann.ask(listTokens)).body;
  expect(items).toEqual([
    {
      id,
      name: "laptop",
      start: secret.slice(0, 8),
      scopes: ["read", "run"],
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
      expiresAt: expect.any(String),
    },
  ]);
  expect((await ann.ask(deleteToken, { method: "DELETE", params: { id } })).status).toBe(204);
  expect((await use(secret)).status).toBe(401);
  expect((await ann.ask(deleteToken, { method: "DELETE", params: { id } })).status).toBe(404);
});

test("its secret is told once, and kept as the hash that better-auth's plugin keeps", async () => {
  const { secret } = await make({});
  const { rows } = await client.query("SELECT * FROM apikey");
  expect(JSON.stringify([rows, (await ann.ask(listTokens)).body])).not.toContain(secret.slice(8));
  const plugin = betterAuth({
    database: prismaAdapter(database(), { provider: "postgresql" }),
    plugins: [apiKey()],
    secret: "a secret for this test, longer than 32",
    baseURL: "http://localhost:3000",
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
  expect(await plugin.api.verifyApiKey({ body: { key: secret, permissions: { hub: ["read"] } } })).toMatchObject({
    valid: true,
  });
  expect(await plugin.api.verifyApiKey({ body: { key: secret, permissions: { hub: ["write"] } } })).toMatchObject({
    valid: false,
  });
});

test("more than ten requests a day are fine, and its last use is written once a minute", async () => {
  const { id, secret } = await make({});
  const version = async (): Promise<unknown> =>
    (await client.query("SELECT xmin, last_request FROM apikey WHERE id = $1", [id])).rows[0];
  const fresh = await version();
  expect((await use(secret)).status).toBe(200);
  const used = await version();
  expect(used).not.toEqual(fresh);
  for (let n = 0; n < 20; n++) expect((await use(secret)).status).toBe(200);
  expect(await version()).toEqual(used);
  await client.query("UPDATE apikey SET last_request = now() - interval '61 s' WHERE id = $1", [id]);
  const [a, b] = [await version(), (await use(secret), await version())];
  expect(b).not.toEqual(a);
});

describe("bad credentials are told as such, never as a fault of ours", () => {
  let expired = "";
  let orphaned = "";
  beforeAll(async () => {
    const made = await make({ expiresInDays: 1 });
    await client.query("UPDATE apikey SET expires_at = now() WHERE id = $1", [made.id]);
    expired = made.secret;
    const bob = await signUpGuest(ann, "bob");
    orphaned = (await make({}, bob)).secret;
    await client.query(
      "DELETE FROM namespace WHERE name = 'bob'; DELETE FROM app_user WHERE email = 'bob@example.org'",
    );
  });

  const headers: readonly (readonly [what: string, header: () => string])[] = [
    ["an unknown one", () => `Bearer gp_${"x".repeat(43)}`],
    ["an expired one", () => `Bearer ${expired}`],
    ["one of a person who is gone", () => `Bearer ${orphaned}`],
    ["one of another hub", () => "Bearer hf_abcdefghijklmnopqrstuvwxyz"],
    ["nothing", () => "Bearer"],
    ["nothing, with a space", () => "Bearer "],
    ["no scheme", () => "gp_x"],
    ["an empty header", () => ""],
    ["another scheme", () => `Basic ${Buffer.from("ann:secret").toString("base64")}`],
    ["two words", () => "Bearer gp_a gp_b"],
    ["a list", () => "Bearer gp_a, Bearer gp_b"],
    ["a long one", () => `Bearer ${"x".repeat(100_000)}`],
    ["odd bytes", () => "Bearer \u00ff\u0080'\"--"],
  ];
  test.each(headers)("%s", async (_, header) => {
    const answer = await program.ask(getMe, { headers: { authorization: header() } });
    expect(answer).toMatchObject({
      status: 401,
      body: { code: "unauthenticated", error: expect.stringContaining("Invalid credentials in Authorization header") },
    });
    expect(answer.headers.get("x-error-message")).toContain("Invalid credentials in Authorization header");
    expect((await ann.ask(getMe, { headers: { authorization: header() } })).status).toBe(401); // also beside a good cookie
  });

  test("the scheme may be written in any case", async () => {
    const { secret } = await make({});
    for (const scheme of ["Bearer", "bearer", "BEARER "])
      expect((await program.ask(getMe, { headers: { authorization: `${scheme} ${secret}` } })).status).toBe(200);
  });
});

test("while the database is away nobody's credentials are called bad", async () => {
  const { secret } = await make({});
  const cookie = [...ann.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const code = `
    import { actorOf } from "#lib/auth/actor-of.ts";
    import { toAppError } from "#lib/http/failure.ts";
    for (const headers of [{ authorization: "Bearer ${secret}" }, { cookie: "${cookie}" }]) console.log(await actorOf(new Headers(headers)).catch((cause) => toAppError(cause).code));`;
  const env = { ...process.env, DATABASE_URL: "postgresql://u:p@127.0.0.1:1/d" };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    env,
  });
  expect(stdout).toBe("database_unavailable\ndatabase_unavailable\n");
});

describe("a token may do what its scopes say", () => {
  const run = route(
    operation({
      id: "run",
      method: "POST",
      path: "/run",
      summary: "",
      tag: "jobs",
      scope: "run",
      permission: "person",
      status: 204,
      failures: [],
    }),
    async () => {},
  );
  const doors: readonly (readonly [
    what: string,
    scope: Scope | "a session",
    handler: RouteHandler,
    ask: object,
    good: number,
  ])[] = [
    ["read its person", "read", getMe, {}, 200],
    ["change its person's name", "write", updateMe, { method: "PATCH", body: { name: "Ann" } }, 204],
    ["run something", "run", run, { method: "POST" }, 204],
    ["make a token", "a session", createToken, { method: "POST", body: { name: "more", scopes: ["read"] } }, 201],
    ["list tokens", "a session", listTokens, {}, 200],
    ["delete a token", "a session", deleteToken, { method: "DELETE", params: { id: "none" } }, 404],
    [
      "change the password",
      "a session",
      changePassword,
      { method: "POST", body: { current: "no horse battery", new: "another horse battery" } },
      400,
    ],
    ["invite", "a session", createInvitation, { method: "POST", body: {} }, 201],
    ["list invitations", "a session", listInvitations, {}, 200],
    ["make an organisation", "a session", createOrganisation, { method: "POST", body: { name: "lab" } }, 201],
  ];
  const granted: readonly (readonly Scope[])[] = [["read"], ["write"], ["run"], ["read", "write"], [...scopes]];
  for (const [what, scope, handler, ask, good] of doors) {
    test(`${what}: ${scope}`, async () => {
      for (const mine of granted) {
        const { secret } = await make({ scopes: mine });
        const { status } = await use(secret, handler, ask);
        expect([mine, status]).toEqual([mine, scope !== "a session" && mine.includes(scope) ? good : 403]);
      }
      expect((await new Visitor().ask(handler, ask)).status).toBe(401);
      expect((await ann.ask(handler, ask)).status).toBe(good);
    });
  }

  test("nothing, where none were kept", async () => {
    const { id, secret } = await make({});
    await client.query("UPDATE apikey SET permissions = NULL WHERE id = $1", [id]);
    expect((await use(secret)).status).toBe(403);
  });
});

test("a token needs no origin, and one is nobody else's to list or delete", async () => {
  const { id, secret } = await make({ scopes: ["write", "read"] });
  const rename = { method: "PATCH", body: { name: "Ann" } };
  for (const origin of ["https://evil.example", "null"])
    expect(
      (await program.ask(updateMe, { ...rename, headers: { origin, authorization: `Bearer ${secret}` } })).status,
    ).toBe(204);
  const cat = await signUpGuest(ann, "cat");
  expect((await cat.ask(listTokens)).body).toEqual({ items: [], next: null });
  expect((await cat.ask(deleteToken, { method: "DELETE", params: { id } })).status).toBe(404);
  expect((await use(secret)).status).toBe(200);
});

test("a hundred tokens are enough for one person", async () => {
  const dan = await signUpGuest(ann, "dan");
  await client.query(
    "INSERT INTO apikey (id, key, reference_id) SELECT 'k' || n, 'k' || n, (SELECT id FROM app_user WHERE email = 'dan@example.org') FROM generate_series(1, 99) n",
  );
  const wishes = await Promise.all(
    [1, 2, 3].map(() => dan.ask(createToken, { method: "POST", body: { name: "laptop", scopes: ["read"] } })),
  );
  expect(wishes.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
});

test("who made and deleted tokens is in the audit trail", async () => {
  const { id, secret } = await make({ scopes: ["write"] });
  await ann.ask(deleteToken, { method: "DELETE", params: { id } });
  const events = await database().outbox.findMany({ where: { subjectId: id }, orderBy: { id: "asc" } });
  expect(events.map(({ kind, detail }) => [kind, detail])).toEqual([
    ["token.create", { scopes: ["write"] }],
    ["token.delete", {}],
  ]);
  expect(JSON.stringify(events, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
    secret,
  );
});
