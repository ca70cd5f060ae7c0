import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { Operation } from "#lib/http/operation.ts";
import * as operations from "#lib/http/operations/account.ts";
import type { RouteHandler } from "#lib/http/route.ts";
import { POST as createAccount } from "../../../app/api/v1/accounts/route.ts";
import { DELETE as revokeInvitation } from "../../../app/api/v1/invitations/[id]/route.ts";
import { POST as createInvitation } from "../../../app/api/v1/invitations/route.ts";
import { POST as changePassword } from "../../../app/api/v1/me/password/route.ts";
import { GET as getMe, PATCH as updateMe } from "../../../app/api/v1/me/route.ts";
import {
  DELETE as removeMember,
  PUT as setMember,
} from "../../../app/api/v1/namespaces/[name]/members/[username]/route.ts";
import { GET as getNamespace } from "../../../app/api/v1/namespaces/[name]/route.ts";
import { GET as listNamespaces, POST as createOrganisation } from "../../../app/api/v1/namespaces/route.ts";
import { POST as createSession } from "../../../app/api/v1/sessions/route.ts";
import { DELETE as deleteToken } from "../../../app/api/v1/tokens/[id]/route.ts";
import { POST as createToken } from "../../../app/api/v1/tokens/route.ts";
import { accountOf, PASSWORD, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { Visitor } from "../../support/visitor.ts";

const hub = await useTempHub({ GUIDEPOST_SIGNUP: "open" });
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();
const owner = await signUpOwner("ann");
await owner.ask(createOrganisation, { method: "POST", body: { name: "lab" } });

afterAll(async () => {
  await client.end();
  await hub.close();
});

/** Everything but the counted attempts, which bad requests may well add to. */
async function everything(): Promise<unknown> {
  const tables = ["app_user", "account", "session", "apikey", "verification", "namespace", "member", "outbox"];
  return (await client.query(tables.map((table) => `SELECT to_jsonb(${table}) FROM ${table}`).join(" UNION ALL ")))
    .rows;
}

const doors: readonly (readonly [
  operation: Operation,
  handler: RouteHandler,
  good: Record<string, unknown>,
  params: Record<string, string>,
])[] = [
  [operations.createAccount, createAccount, accountOf("eve", { name: "Eve", invitation: "x" }), {}],
  [operations.createSession, createSession, { username: "ann", password: PASSWORD }, {}],
  [operations.createSession, createSession, { email: "ann@example.org", password: PASSWORD }, {}],
  [operations.updateMe, updateMe, { name: "Ann" }, {}],
  [operations.changePassword, changePassword, { current: PASSWORD, new: "another horse battery" }, {}],
  [operations.createToken, createToken, { name: "laptop", scopes: ["read"], expiresInDays: 1 }, {}],
  [operations.createInvitation, createInvitation, { email: "bob@example.org", expiresInHours: 1 }, {}],
  [operations.createOrganisation, createOrganisation, { name: "club", displayName: "Club" }, {}],
  [operations.setMember, setMember, { role: "reader" }, { name: "lab", username: "ann" }],
];

const hostile: readonly unknown[] = [
  { not: "" },
  { contains: "" },
  { gt: "" },
  { equals: "ann" },
  { $ne: null },
  [],
  ["ann"],
  [{ not: "" }],
  null,
  true,
  -1,
  0.5,
  Number.MAX_SAFE_INTEGER,
  "\0",
  "ann\0",
  "\u202eann",
  "ann\nbob",
  "\ud800",
  "x".repeat(15_000),
];

describe.each(doors)("$id", (operation, handler, good, params) => {
  const ask = (body: unknown) => owner.ask(handler, { method: operation.method, body, params });

  test("takes no field for what it is not, and changes nothing", async () => {
    const before = await everything();
    for (const field of Object.keys(good))
      for (const value of hostile) {
        await client.query("DELETE FROM throttle");
        const { status } = await ask({ ...good, [field]: value });
        expect([field, value, [400, 401, 403].includes(status)]).toEqual([field, value, true]);
      }
    expect(await everything()).toEqual(before);
  });

  test("takes no whole body for what it is not", async () => {
    const before = await everything();
    const json = JSON.stringify(good);
    const bodies = [
      `[${json}]`,
      "null",
      "1",
      '"text"',
      "{",
      json.slice(0, -1),
      "",
      "[]",
      "\u0000",
      `${json}${json}`,
      "[".repeat(8000),
      '{"a":'.repeat(2000),
      `{"__proto__":${json}}`,
      `{"constructor":{"prototype":${json}}}`,
    ];
    for (const body of bodies) {
      await client.query("DELETE FROM throttle");
      const { status } = await ask(body);
      if (operation.id === "createInvitation" && body === "") continue; // all of it may be left out
      expect([body.slice(0, 30), status]).toEqual([body.slice(0, 30), 400]);
    }
    for (const extra of ["isOperator", "is_operator", "userId", "id", "emailVerified", "__proto__", "role2"])
      expect([extra, (await ask(`{"${extra}":true,${json.slice(1)}`)).status]).toEqual([extra, 400]);
    expect((await ask({ ...good, padding: "x".repeat(1_000_000) })).status).toBe(413);
    expect((await ask(`{"a":"${"x".repeat(1_000_000)}`)).status).toBe(413);
    if (operation.id !== "createInvitation") expect(await everything()).toEqual(before);
  });

  test("takes nothing but JSON", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/jsonp",
      "",
    ]) {
      expect(
        (await owner.ask(handler, { method: operation.method, body: good, params, headers: { "content-type": type } }))
          .status,
      ).toBe(400);
    }
  });
});

test("every account operation with a body is tried here", () => {
  // All of a quota may be left out, and any number is one: it is tried where quotas are.
  const withBody = Object.values(operations as Record<string, Operation>).filter(
    ({ id, body }) => body !== undefined && id !== "setQuota",
  );
  expect(new Set(doors.map(([{ id }]) => id))).toEqual(new Set(withBody.map(({ id }) => id)));
  for (const [{ body }, , good] of doors) expect((body as z.ZodType).safeParse(good).success).toBe(true);
});

test.each([
  "\0",
  "ann\0",
  "%00",
  "..",
  ".",
  "a/b",
  "\u202e",
  "x".repeat(97),
  "x".repeat(100_000),
  "' OR 1=1 --",
  "constructor",
  "__proto__",
  "ä",
  "",
])("%j in an address is refused or not found", async (name) => {
  const before = await everything();
  const asked = [
    owner.ask(getNamespace, { params: { name } }),
    owner.ask(setMember, { method: "PUT", params: { name, username: "ann" }, body: { role: "owner" } }),
    owner.ask(setMember, { method: "PUT", params: { name: "lab", username: name }, body: { role: "owner" } }),
    owner.ask(removeMember, { method: "DELETE", params: { name: "lab", username: name } }),
    owner.ask(deleteToken, { method: "DELETE", params: { id: name } }),
    owner.ask(revokeInvitation, { method: "DELETE", params: { id: name } }),
  ];
  for (const { status } of await Promise.all(asked)) expect([400, 404]).toContain(status);
  expect(await everything()).toEqual(before);
});

test("a list takes no bad question", async () => {
  const place = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const queries: Record<string, string>[] = [
    { limit: "0" },
    { limit: "101" },
    { limit: "x" },
    { limit: "1e9" },
    { mine: "maybe" },
    ...[{ not: "" }, [{ not: "" }], ["\0"], [1], ["a", "b"], null, "x"].map((value) => ({ cursor: place(value) })),
    { cursor: "%" },
    { cursor: "x".repeat(3000) },
  ];
  for (const query of queries)
    expect([query, (await owner.ask(listNamespaces, { query })).status]).toEqual([query, 400]);
  expect((await new Visitor().ask(listNamespaces, { query: { unknown: "1" } })).status).toBe(200);
});

test("words that mean something elsewhere are words", async () => {
  for (const name of ["__proto__", "' OR 1=1 --", "%", "<img src=x onerror=alert(1)>", "${jndi:ldap://x}", "🦊 Ann"]) {
    expect((await owner.ask(updateMe, { method: "PATCH", body: { name } })).status).toBe(204);
    expect((await owner.ask(getMe)).body.name).toBe(name);
  }
});
