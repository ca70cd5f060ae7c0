import pg from "pg";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { requireNamespace } from "#lib/auth/access.ts";
import { type Actor, anonymous, hub as hubItself, type Person } from "#lib/auth/actor.ts";
import { createOrganisation as createAs } from "#lib/catalog/namespaces/service.ts";
import { GET as getMe } from "../../../app/api/v1/me/route.ts";
import {
  DELETE as removeMember,
  PUT as setMember,
} from "../../../app/api/v1/namespaces/[name]/members/[username]/route.ts";
import { GET as getNamespace } from "../../../app/api/v1/namespaces/[name]/route.ts";
import { GET as listNamespaces, POST as createOrganisation } from "../../../app/api/v1/namespaces/route.ts";
import { signUpGuest, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { type Answer, Visitor } from "../../support/visitor.ts";

const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();
const operator = await signUpOwner("root_of_it");
const ann = await signUpGuest(operator, "Ann");
const bob = await signUpGuest(operator, "bob");
const cat = await signUpGuest(operator, "cat");
const stranger = new Visitor();

afterAll(async () => {
  await client.end();
  await hub.close();
});

beforeEach(async () => {
  await client.query("DELETE FROM namespace WHERE kind = 'organisation'");
  expect(
    (await ann.ask(createOrganisation, { method: "POST", body: { name: "Lab", displayName: "The Lab" } })).status,
  ).toBe(201);
});

const set = (who: Visitor, username: string, role: string, name = "lab"): Promise<Answer> =>
  who.ask(setMember, { method: "PUT", params: { name, username }, body: { role } });
const remove = (who: Visitor, username: string, name = "lab"): Promise<Answer> =>
  who.ask(removeMember, { method: "DELETE", params: { name, username } });
const members = async (): Promise<unknown> =>
  (
    await client.query("SELECT n.name, m.role FROM member m JOIN namespace n ON n.user_id = m.user_id ORDER BY 1")
  ).rows.map(({ name, role }) => `${name}: ${role}`);

test("who makes an organisation owns it", async () => {
  expect((await ann.ask(getNamespace, { params: { name: "LAB" } })).body).toEqual({
    name: "Lab",
    kind: "organisation",
    displayName: "The Lab",
    createdAt: expect.any(String),
    role: "owner",
    members: [{ username: "Ann", role: "owner" }],
    quota: expect.objectContaining({ bytes: expect.objectContaining({ used: 0, reserved: 0 }) }),
  });
  expect((await ann.ask(getMe)).body.organisations).toEqual([{ name: "Lab", displayName: "The Lab", role: "owner" }]);
  expect((await stranger.ask(createOrganisation, { method: "POST", body: { name: "club" } })).status).toBe(401);
});

test("a name is had once, by a person or an organisation, in any case", async () => {
  for (const name of ["lab", "LAB", "ann", "BOB"])
    expect(await cat.ask(createOrganisation, { method: "POST", body: { name } })).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: { field: "name" } },
    });
  const both = await Promise.all(
    [bob, cat].map((who) => who.ask(createOrganisation, { method: "POST", body: { name: "club" } })),
  );
  expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  expect(
    (
      await client.query(
        "SELECT count(*)::int FROM namespace n LEFT JOIN member m ON m.namespace_id = n.id WHERE n.kind = 'organisation' AND m IS NULL",
      )
    ).rows,
  ).toEqual([{ count: 0 }]);
});

test("names that speak for the hub are for the hub", async () => {
  expect((await operator.ask(createOrganisation, { method: "POST", body: { name: "Guidepost" } })).status).toBe(409);
  expect(await createAs(hubItself, { name: "guidepost" })).toMatchObject({
    name: "guidepost",
    role: null,
    members: [],
  });
});

test("owners change members, operators too, nobody else", async () => {
  expect((await set(ann, "BOB", "writer")).body.members).toEqual([
    { username: "Ann", role: "owner" },
    { username: "bob", role: "writer" },
  ]);
  expect((await set(operator, "cat", "reader")).status).toBe(200);
  for (const who of [bob, cat]) {
    expect((await set(who, "bob", "owner")).status).toBe(403);
    expect((await remove(who, "Ann")).status).toBe(403);
  }
  expect((await set(stranger, "bob", "owner")).status).toBe(401);
  expect(await members()).toEqual(["Ann: owner", "bob: writer", "cat: reader"]);
  expect((await set(ann, "bob", "reader")).status).toBe(200);
  expect((await remove(ann, "bob")).status).toBe(204);
  expect((await remove(ann, "bob")).status).toBe(404);
  expect((await remove(cat, "cat")).status).toBe(204); // everybody may leave
  expect((await remove(cat, "cat")).status).toBe(403); // once
  expect(await members()).toEqual(["Ann: owner"]);
  const { rows } = await client.query(
    "SELECT kind, detail ->> 'role' AS role FROM outbox WHERE kind LIKE 'member.%' ORDER BY id",
  );
  expect(rows.map(({ kind, role }) => `${kind} ${role}`)).toEqual([
    "member.set writer",
    "member.set reader",
    "member.set reader",
    "member.remove null",
    "member.remove null",
  ]);
});

test("what is not there, and what has no members, is told", async () => {
  expect((await set(ann, "nobody", "reader")).status).toBe(404);
  expect((await set(ann, "lab", "reader")).status).toBe(404);
  expect((await set(ann, "bob", "reader", "nowhere")).status).toBe(404);
  expect((await set(ann, "bob", "reader", "ann")).status).toBe(409);
  expect((await ann.ask(getNamespace, { params: { name: "nowhere" } })).status).toBe(404);
});

describe("an organisation keeps an owner", () => {
  test("who is the last one can neither leave nor step down", async () => {
    await set(ann, "bob", "writer");
    for (const answer of [await remove(ann, "Ann"), await set(ann, "ann", "writer"), await remove(operator, "ann")])
      expect(answer).toMatchObject({
        status: 409,
        body: { code: "conflict", error: expect.stringContaining("without an owner") },
      });
    await set(ann, "bob", "owner");
    expect((await remove(ann, "Ann")).status).toBe(204);
    expect(await members()).toEqual(["bob: owner"]);
  });

  test("also when two owners leave at once, or each puts the other out", async () => {
    for (let round = 0; round < 5; round++) {
      await set(ann, "bob", "owner");
      const left = await Promise.all(
        round % 2 ? [remove(ann, "bob"), remove(bob, "ann")] : [remove(ann, "ann"), remove(bob, "bob")],
      );
      const [done, refused] = left.map(({ status }) => status).toSorted();
      expect(done).toBe(204);
      expect(refused === 409 || (round % 2 === 1 && refused === 403)).toBe(true); // who was put out a moment before may do nothing
      const [last] = (await members()) as string[];
      expect(last).toMatch(/: owner$/);
      if (last !== "Ann: owner") {
        await set(bob, "ann", "owner");
        await remove(bob, "bob");
      }
    }
  });
});

test("members are told to members", async () => {
  await set(ann, "bob", "reader");
  const told = async (who: Visitor): Promise<unknown> =>
    (await who.ask(getNamespace, { params: { name: "lab" } })).body.members;
  expect(await told(bob)).toHaveLength(2);
  expect(await told(operator)).toHaveLength(2);
  expect([await told(cat), await told(stranger)]).toEqual([null, null]);
  expect((await stranger.ask(getNamespace, { params: { name: "ann" } })).body).toEqual({
    name: "Ann",
    kind: "user",
    displayName: "Ann",
    quota: null,
    createdAt: expect.any(String),
    role: null,
    members: null,
  });
});

describe("a list of namespaces", () => {
  const repo = (owner: string, name: string, visibility: string): Promise<unknown> =>
    client.query(
      "INSERT INTO repo (id, namespace_id, name, kind, visibility, has_commits) SELECT gen_random_uuid(), id, $2, 'base', $3::visibility, true FROM namespace WHERE name = $1",
      [owner, name, visibility],
    );
  const names = async (who: Visitor, query = {}): Promise<string[]> =>
    (await who.ask(listNamespaces, { query })).body.items.map(({ name }: { name: string }) => name);

  test("holds who has something that one may see, and oneself", async () => {
    await repo("cat", "open", "public");
    await repo("Lab", "hidden", "private");
    expect(await names(stranger)).toEqual(["cat"]);
    expect(await names(bob)).toEqual(["bob", "cat"]);
    expect(await names(ann)).toEqual(["Ann", "cat", "Lab"]);
    expect(await names(ann, { mine: "true" })).toEqual(["Ann", "Lab"]);
    expect(await names(stranger, { mine: "true" })).toEqual([]);
    await client.query("UPDATE repo SET deleted_at = now()");
    expect(await names(stranger)).toEqual([]);
    await client.query("DELETE FROM repo");
  });

  test("comes in pages", async () => {
    for (const name of ["a", "B", "c_", "D"]) await ann.ask(createOrganisation, { method: "POST", body: { name } });
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const { body }: Answer = await ann.ask(listNamespaces, {
        query: { limit: "2", mine: "true", ...(cursor ? { cursor } : {}) },
      });
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ name }: { name: string }) => name));
      cursor = body.next;
    }
    expect(seen).toEqual(["a", "Ann", "B", "c_", "D", "Lab"]);
  });
});

describe("where somebody may create repos", () => {
  const person = async (name: string, more: Partial<Person> = {}): Promise<Person> => {
    const { rows } = await client.query("SELECT user_id FROM namespace WHERE name = $1", [name]);
    return {
      kind: "person",
      userId: rows[0].user_id,
      name,
      isOperator: false,
      scopes: new Set(["read", "write", "run"]),
      tokenId: null,
      ...more,
    };
  };
  const verdict = (actor: Actor, name: string): Promise<string> =>
    requireNamespace(actor, name).then(
      ({ name }) => name,
      ({ code }) => code,
    );
  const verdicts = (actor: Actor, names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => verdict(actor, name)));

  test("under their own name and where they are writers or owners", async () => {
    await set(ann, "bob", "writer");
    await set(ann, "cat", "reader");
    expect(await verdicts(await person("Ann"), ["ANN", "lab"])).toEqual(["Ann", "Lab"]);
    expect(await verdicts(await person("bob"), ["bob", "lab", "ann"])).toEqual(["bob", "Lab", "forbidden"]);
    expect(await verdicts(await person("cat"), ["cat", "lab", "bob"])).toEqual(["cat", "forbidden", "forbidden"]);
    expect(await verdict(await person("cat", { isOperator: true }), "lab")).toBe("Lab");
    expect(await verdict(hubItself, "lab")).toBe("Lab");
    expect(await verdict(anonymous, "lab")).toBe("forbidden");
    expect(await verdict(await person("Ann", { scopes: new Set(["read", "run"]), tokenId: "t" }), "ann")).toBe(
      "forbidden",
    );
    for (const name of ["nowhere", "", "\0", "a/b", "x".repeat(1000), "'"])
      expect(await verdict(await person("Ann"), name)).toBe("not_found");
  });
});

test("fifty organisations are enough for one person", async () => {
  await client.query(
    "WITH made AS (INSERT INTO namespace (id, kind, name) SELECT gen_random_uuid(), 'organisation', 'o' || n FROM generate_series(1, 48) n RETURNING id) INSERT INTO member SELECT id, (SELECT user_id FROM namespace WHERE name = 'Ann'), 'owner' FROM made",
  );
  const asked = await Promise.all(
    ["x", "y", "z"].map((name) => ann.ask(createOrganisation, { method: "POST", body: { name } })),
  );
  expect(asked.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
});
