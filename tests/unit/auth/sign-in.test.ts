import pg from "pg";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { actorOf } from "#lib/auth/actor-of.ts";
import { forgetExpired } from "#lib/auth/expired.ts";
import { PATCH as updateMe, GET as getMe } from "../../../app/api/v1/me/route.ts";
import { POST as changePassword } from "../../../app/api/v1/me/password/route.ts";
import { DELETE as deleteSession } from "../../../app/api/v1/sessions/current/route.ts";
import { POST as createSession } from "../../../app/api/v1/sessions/route.ts";
import { PASSWORD, signUpGuest, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { type Answer, Visitor } from "../../support/visitor.ts";

const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();
const owner = await signUpOwner("Ann");

afterAll(async () => {
  await client.end();
  await hub.close();
});

beforeEach(async () => {
  await client.query("DELETE FROM throttle; UPDATE app_user SET name = 'Ann'");
});

const signIn = (visitor: Visitor, credentials: object, from = "198.51.100.1"): Promise<Answer> =>
  visitor.ask(createSession, {
    method: "POST",
    body: { password: PASSWORD, ...credentials },
    headers: { "x-forwarded-for": from },
  });
const wrong = { password: "incorrect horse battery" };
const sessions = async (): Promise<number> => (await client.query("SELECT count(*)::int FROM session")).rows[0].count;
const isSignedIn = async (visitor: Visitor): Promise<boolean> => (await visitor.ask(getMe)).status === 200;

test.each([{ email: "ann@example.org" }, { email: "ANN@Example.org" }, { username: "Ann" }, { username: "ann" }])(
  "a person signs in by %o",
  async (name) => {
    const visitor = new Visitor();
    const answer = await signIn(visitor, name);
    expect(answer).toMatchObject({ status: 201, body: { username: "Ann" } });
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^guidepost\.session_token=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(await isSignedIn(visitor)).toBe(true);
  },
);

describe("a wrong password and an account that is not there", () => {
  test("get the same answer", async () => {
    const answers = await Promise.all(
      [
        { username: "ann" },
        { email: "ann@example.org" },
        { username: "eve" },
        { email: "eve@example.org" },
        { username: "__proto__" },
      ].map((name) => signIn(new Visitor(), { ...name, ...wrong })),
    );
    for (const { status, body, headers } of answers) {
      expect(status).toBe(401);
      expect({ ...body, requestId: "" }).toEqual({ ...answers[0]!.body, requestId: "" });
      expect(headers.getSetCookie()).toEqual([]);
    }
  });

  test("take the same time", async () => {
    const times = { ann: [] as number[], eve: [] as number[] };
    for (let n = 0; n < 20; n++)
      for (const username of ["ann", "eve"] as const) {
        await client.query("DELETE FROM throttle");
        const began = performance.now();
        await signIn(new Visitor(), { username, ...wrong });
        times[username].push(performance.now() - began);
      }
    const [known, unknown] = [times.ann, times.eve].map((all) => all.toSorted((a, b) => a - b)[10]!) as [
      number,
      number,
    ];
    expect(known / unknown).toBeGreaterThan(0.67); // without the hash it would be above 10
    expect(known / unknown).toBeLessThan(1.5);
  });
});

describe("guessing is slow", () => {
  test("ten wrong passwords of an account, by either name and from anywhere, then nobody until the time is over", async () => {
    const guesses = Array.from({ length: 14 }, (_, n) =>
      signIn(
        new Visitor(),
        { ...(n % 2 ? { username: "ann" } : { email: "ann@example.org" }), ...wrong },
        `198.51.100.${n}`,
      ),
    );
    const answers = await Promise.all(guesses);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    for (const { headers } of refused) expect(Number(headers.get("retry-after"))).toBeGreaterThan(890);
    expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(429);
    expect(await isSignedIn(owner)).toBe(true); // who is in stays in
    await client.query("UPDATE throttle SET resets_at = now()");
    expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(201);
  });

  test("an account that is not there is counted like one that is", async () => {
    const statuses = [];
    for (let n = 0; n < 12; n++)
      statuses.push((await signIn(new Visitor(), { username: n % 2 ? "eve" : "EVE", ...wrong })).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  });

  test("fifty wrong passwords from one address, or from one IPv6 network", async () => {
    const from = (n: number): string => `203.0.113.9, 2001:db8:1:2::${n.toString(16)}`;
    await signIn(new Visitor(), { username: "nobody", ...wrong }, from(0));
    expect(await client.query("UPDATE throttle SET count = 48")).toMatchObject({ rowCount: 2 });
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => signIn(new Visitor(), { username: `nobody${n}`, ...wrong }, from(n))),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([401, 401, 429, 429]);
    expect((await signIn(new Visitor(), { username: "ann" }, from(999))).status).toBe(429);
    expect((await signIn(new Visitor(), { username: "ann" }, "2001:db8:1:3::1")).status).toBe(201);
  });

  test("the right password is not counted", async () => {
    for (let n = 0; n < 3; n++) await signIn(new Visitor(), { username: "ann", ...wrong });
    for (let n = 0; n < 3; n++) expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(201);
    await signIn(new Visitor(), { username: "ann", ...wrong });
    expect((await client.query("SELECT count FROM throttle ORDER BY count")).rows).toEqual([
      { count: 1 },
      { count: 4 },
    ]); // of the account, from the address
  });

  test("what is counted names nobody", async () => {
    await signIn(new Visitor(), { username: "ann", ...wrong });
    const { rows } = await client.query("SELECT key FROM throttle");
    expect(rows).toHaveLength(2);
    for (const { key } of rows) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a session ends", () => {
  test("at once, when its person signs out, and only that one", async () => {
    const [here, there] = [new Visitor(), new Visitor()];
    await signIn(here, { username: "ann" });
    await signIn(there, { username: "ann" });
    const cookies = new Map(here.cookies);
    const answer = await here.ask(deleteSession, { method: "DELETE" });
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie().join()).toMatch(/guidepost\.session_token=; Max-Age=0/);
    expect(here.cookies.size).toBe(0);
    const thief = new Visitor();
    for (const [name, value] of cookies) thief.cookies.set(name, value);
    expect(await isSignedIn(thief)).toBe(false);
    expect(await isSignedIn(there)).toBe(true);
    expect((await here.ask(deleteSession, { method: "DELETE" })).status).toBe(204); // twice is once
  });

  test("by time", async () => {
    const visitor = new Visitor();
    await signIn(visitor, { username: "ann" });
    await client.query(
      "UPDATE session SET expires_at = now() WHERE created_at = (SELECT max(created_at) FROM session)",
    );
    expect(await isSignedIn(visitor)).toBe(false);
    const before = await sessions();
    await forgetExpired(new Date());
    expect(await sessions()).toBe(before - 1);
  });

  test("with its person", async () => {
    const bob = await signUpGuest(owner, "bob");
    expect(await isSignedIn(bob)).toBe(true);
    await client.query(
      "DELETE FROM namespace WHERE name = 'bob'; DELETE FROM app_user WHERE email = 'bob@example.org'",
    );
    expect(await isSignedIn(bob)).toBe(false);
    expect((await bob.ask(updateMe, { method: "PATCH", body: { name: "Bob" } })).status).toBe(401);
  });

  test("everywhere, when the password is changed", async () => {
    const cat = await signUpGuest(owner, "cat");
    const there = new Visitor();
    await signIn(there, { username: "cat" });
    const body = { current: PASSWORD, new: "another horse battery" };
    expect(
      await cat.ask(changePassword, { method: "POST", body: { ...body, current: "no horse battery" } }),
    ).toMatchObject({ status: 400, body: { detail: { field: "current" } } });
    expect((await there.ask(getMe)).status).toBe(200);
    const old = new Map(cat.cookies);
    expect((await cat.ask(changePassword, { method: "POST", body })).status).toBe(204);
    expect(cat.cookies).not.toEqual(old);
    expect([await isSignedIn(cat), await isSignedIn(there)]).toEqual([true, false]);
    expect((await signIn(new Visitor(), { username: "cat" })).status).toBe(401);
    expect((await signIn(new Visitor(), { username: "cat", password: body.new })).status).toBe(201);
  });
});

test("guessing the current password is as slow", async () => {
  const dan = await signUpGuest(owner, "dan");
  const guess = (): Promise<Answer> =>
    dan.ask(changePassword, { method: "POST", body: { current: "no horse battery", new: "another horse battery" } });
  const answers = await Promise.all(Array.from({ length: 12 }, guess));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(10).fill(400), 429, 429]);
});

test("a cookie that we did not sign is nobody's", async () => {
  const [name, value] = [...owner.cookies][0]!;
  const { rows } = await client.query("SELECT token FROM session LIMIT 1");
  for (const forged of [
    rows[0].token,
    `${rows[0].token}.${"A".repeat(43)}=`,
    value.slice(0, -6),
    `${value}x`,
    "",
    "%00",
    "a.b",
    "%E0%A4%A",
    "x".repeat(8000),
  ])
    expect(await actorOf(new Headers({ cookie: `${name}=${forged}` }))).toEqual({ kind: "anonymous" });
});

describe("a cookie changes nothing for another site", () => {
  const others: readonly (readonly [origin: string | null, site: string | null])[] = [
    ["https://evil.example", null],
    ["https://evil.example", "cross-site"],
    ["null", null],
    ["null", "cross-site"],
    [null, null],
    [null, "cross-site"],
    [null, "same-site"],
    [null, "none"],
    ["http://localhost:3001", "same-site"],
    ["https://localhost:3000", "cross-site"],
    ["http://localhost:3000.evil.example", "cross-site"],
    ["HTTP://LOCALHOST:3000/", null],
  ];
  test.each(others)("origin %s, site %s", async (origin, site) => {
    const headers = { origin, "sec-fetch-site": site };
    const before = await sessions();
    const asked = [
      owner.ask(updateMe, { method: "PATCH", body: { name: "Eve" }, headers }),
      owner.ask(changePassword, { method: "POST", body: { current: PASSWORD, new: "another horse battery" }, headers }),
      owner.ask(deleteSession, { method: "DELETE", headers }),
    ];
    for (const answer of await Promise.all(asked))
      expect(answer).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await sessions()).toBe(before);
    expect((await owner.ask(getMe, { headers })).body.name).toBe("Ann"); // reading is safe
    if (origin !== null || site !== null)
      expect(
        (
          await new Visitor().ask(createSession, {
            method: "POST",
            body: { username: "ann", password: PASSWORD },
            headers,
          })
        ).status,
      ).toBe(403);
  });

  test("but all for our own pages", async () => {
    for (const [n, headers] of [
      {},
      { "sec-fetch-site": "same-origin" },
      { origin: null, "sec-fetch-site": "same-origin" },
    ].entries()) {
      expect((await owner.ask(updateMe, { method: "PATCH", body: { name: `Ann ${n}` }, headers })).status).toBe(204);
      expect((await owner.ask(getMe)).body.name).toBe(`Ann ${n}`);
    }
  });

  test("and a program without cookies signs in without an origin", async () => {
    expect(
      (
        await new Visitor().ask(createSession, {
          method: "POST",
          body: { username: "ann", password: PASSWORD },
          headers: { origin: null },
        })
      ).status,
    ).toBe(201);
  });
});
