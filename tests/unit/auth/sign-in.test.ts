import pg from "pg";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { actorOf } from "#lib/auth/actor-of.ts";
import { auth } from "#lib/auth/better-auth.ts";
import { forgetExpired } from "#lib/auth/expired.ts";
import { PATCH as updateMe, GET as getMe } from "../../../app/api/v1/me/route.ts";
import { POST as changePassword } from "../../../app/api/v1/me/password/route.ts";
import { DELETE as deleteSession } from "../../../app/api/v1/sessions/current/route.ts";
import { POST as createSession } from "../../../app/api/v1/sessions/route.ts";
import { POST as createToken } from "../../../app/api/v1/tokens/route.ts";
import { PASSWORD, signUpGuest, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { type Answer, Visitor, withToken } from "../../support/visitor.ts";

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
      expect.stringMatching(
        /^guidepost\.device-[0-9a-f]{12}=[^;]+; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
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

  test("cost the same: one question for the account, and one hash", async () => {
    const { password } = await auth().$context;
    await signIn(new Visitor(), { username: "ann", ...wrong });
    for (const username of ["ann", "eve"]) {
      const [verify, hash] = [vi.spyOn(password, "verify"), vi.spyOn(password, "hash")];
      await signIn(new Visitor(), { username, ...wrong });
      expect([username, verify.mock.calls.length, hash.mock.calls.length]).toEqual([username, 1, 0]);
      vi.restoreAllMocks();
    }
  });
});

describe("guessing is slow", () => {
  test("ten wrong passwords of an account from one address, by either name and all at once; then that address waits, and nobody else", async () => {
    const guess = (n: number): Promise<Answer> =>
      signIn(new Visitor(), { ...(n % 2 ? { username: "ann" } : { email: "ann@example.org" }), ...wrong });
    const answers = [];
    for (const at of [0, 7]) answers.push(...(await Promise.all(Array.from({ length: 7 }, (_, n) => guess(at + n)))));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    for (const { headers } of refused) expect(Number(headers.get("retry-after"))).toBeGreaterThan(800);
    expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(429); // the right one neither: it would be told apart
    expect((await signIn(new Visitor(), { username: "ann" }, "198.51.100.2")).status).toBe(201);
    expect(await isSignedIn(owner)).toBe(true); // who is in stays in
    await client.query("UPDATE throttle SET resets_at = now()");
    expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(201);
  });

  test("a browser that has signed in before is not kept out by others at its address, and guesses no more than they", async () => {
    const known = new Visitor();
    await signIn(known, { username: "ann" });
    await known.ask(deleteSession, { method: "DELETE" });
    for (let n = 0; n < 12; n++) await signIn(new Visitor(), { username: "ann", ...wrong });
    await client.query("UPDATE throttle SET count = 100000");
    expect((await signIn(known, { username: "ann" })).status).toBe(201);
    expect((await signIn(known, { username: "nobody" })).status).toBe(429); // known to ann's account alone
    const statuses = [];
    for (let n = 0; n < 11; n++) statuses.push((await signIn(known, { username: "ann", ...wrong })).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429]);
    expect((await signIn(known, { username: "ann" })).status).toBe(429);
  });

  test("a mark of a device that we did not sign, or for another account or an older password, is none", async () => {
    const known = new Visitor();
    await signIn(known, { username: "ann" });
    const [name, value] = [...known.cookies].find(([one]) => one.startsWith("guidepost.device-"))!;
    const [id, day, signature] = value.split(".") as [string, string, string];
    const forged: Record<string, string> = {
      "another device": `${crypto.randomUUID()}.${day}.${signature}`,
      "another day": `${id}.${Number(day) + 1}.${signature}`,
      "no signature": `${id}.${day}.${"0".repeat(64)}`,
      "half of one": `${id}.${day}.${signature.slice(0, 32)}`,
      nothing: "",
    };
    await signIn(new Visitor(), { username: "ann", ...wrong });
    await client.query("UPDATE throttle SET count = 100000");
    for (const [what, cookie] of Object.entries(forged)) {
      const thief = new Visitor();
      thief.cookies.set(name, cookie);
      expect([what, (await signIn(thief, { username: "ann" })).status]).toEqual([what, 429]);
    }
    const eve = await signUpGuest(owner, "eve2");
    const own = [...eve.cookies].find(([one]) => one.startsWith("guidepost.device-"))!;
    expect(own[0]).not.toBe(name);
    eve.cookies.set(name, own[1]);
    expect((await signIn(eve, { username: "ann" })).status).toBe(429);
    await client.query("DELETE FROM throttle");
    const body = { current: PASSWORD, new: "another horse battery" };
    const before = new Map(eve.cookies);
    expect((await eve.ask(changePassword, { method: "POST", body })).status).toBe(204);
    expect(eve.cookies.get(own[0])).not.toBe(own[1]);
    const old = new Visitor();
    for (const [one, kept] of before) old.cookies.set(one, kept);
    await signIn(new Visitor(), { username: "eve2", ...wrong });
    await client.query("UPDATE throttle SET count = 100000");
    expect((await signIn(old, { username: "eve2", password: body.new })).status).toBe(429);
    expect((await signIn(eve, { username: "eve2", password: body.new })).status).toBe(201);
  });

  test("an account that is not there is counted like one that is", async () => {
    const statuses = [];
    for (let n = 0; n < 12; n++)
      statuses.push((await signIn(new Visitor(), { username: n % 2 ? "eve" : "EVE", ...wrong })).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  });

  test("guesses from everywhere leave three to each address, and its person always comes in from their own", async () => {
    for (let n = 0; n < 3; n++) await signIn(new Visitor(), { username: "ann", ...wrong }, `198.51.100.${n}`);
    await client.query("UPDATE throttle SET count = 100 WHERE count = 3"); // of the account, over all addresses
    const statuses = [];
    for (let n = 0; n < 4; n++)
      statuses.push((await signIn(new Visitor(), { username: "ann", ...wrong }, "203.0.113.1")).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
    expect((await signIn(new Visitor(), { username: "ann" }, "203.0.113.2")).status).toBe(201);
  });

  test("fifty wrong passwords from one address, or from one IPv6 network, leave three to each account; five hundred none", async () => {
    const from = (n: number): string => `203.0.113.9, 2001:db8:1:2::${n.toString(16)}`;
    await signIn(new Visitor(), { username: "nobody", ...wrong }, from(0));
    await client.query("UPDATE throttle SET count = 50");
    const again = async (username: string, times: number): Promise<number[]> => {
      const statuses = [];
      for (let n = 0; n < times; n++)
        statuses.push((await signIn(new Visitor(), { username, ...wrong }, from(n))).status);
      return statuses;
    };
    expect(await again("nobody1", 4)).toEqual([401, 401, 401, 429]);
    expect((await signIn(new Visitor(), { username: "ann" }, from(999))).status).toBe(201); // in that office too
    await client.query("UPDATE throttle SET count = 500 WHERE count > 50");
    expect(await again("nobody2", 1)).toEqual([429]);
    expect((await signIn(new Visitor(), { username: "ann" }, "2001:db8:1:3::1")).status).toBe(201);
  });

  test("the right password is not counted", async () => {
    for (let n = 0; n < 3; n++) await signIn(new Visitor(), { username: "ann", ...wrong });
    for (let n = 0; n < 3; n++) expect((await signIn(new Visitor(), { username: "ann" })).status).toBe(201);
    await signIn(new Visitor(), { username: "ann", ...wrong });
    expect((await client.query("SELECT count FROM throttle ORDER BY count")).rows).toEqual([
      { count: 1 }, // of the account from the address
      { count: 4 }, // of the account
      { count: 4 }, // from the address
    ]);
  });

  test("what is counted names nobody", async () => {
    await signIn(new Visitor(), { username: "ann", ...wrong });
    const { rows } = await client.query("SELECT key FROM throttle");
    expect(rows).toHaveLength(3);
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
    expect([...here.cookies.keys()]).toEqual([expect.stringMatching(/^guidepost\.device-/)]); // it stays known
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

test("who was signing in with the old password while it was changed is not signed in", async () => {
  const fay = await signUpGuest(owner, "fay");
  const change = fay.ask(changePassword, { method: "POST", body: { current: PASSWORD, new: "another horse battery" } });
  const late = Array.from({ length: 6 }, () => new Visitor());
  await Promise.all([change, ...late.map((visitor) => signIn(visitor, { username: "fay" }))]);
  expect((await change).status).toBe(204);
  for (const visitor of late) expect(await isSignedIn(visitor)).toBe(false);
  expect(await isSignedIn(fay)).toBe(true);
});

test("tokens end with the old password where their person says so", async () => {
  const gus = await signUpGuest(owner, "gus");
  const make = async (): Promise<string> =>
    (await gus.ask(createToken, { method: "POST", body: { name: "laptop", scopes: ["read"] } })).body.secret;
  const works = async (secret: string): Promise<number> => (await new Visitor().ask(getMe, withToken(secret))).status;
  const secret = await make();
  const passwords = [PASSWORD, "another horse battery", "a third horse battery"];
  const change = (from: number, more: object): Promise<Answer> =>
    gus.ask(changePassword, { method: "POST", body: { current: passwords[from], new: passwords[from + 1], ...more } });
  expect((await change(0, {})).status).toBe(204);
  expect(await works(secret)).toBe(200);
  expect((await change(1, { revokeTokens: true })).status).toBe(204);
  expect(await works(secret)).toBe(401);
  expect(await works(await make())).toBe(200);
});

test("guessing the current password is as slow, and keeps nobody else from changing it", async () => {
  const dan = await signUpGuest(owner, "dan");
  const guess = (): Promise<Answer> =>
    dan.ask(changePassword, { method: "POST", body: { current: "no horse battery", new: "another horse battery" } });
  const answers = await Promise.all(Array.from({ length: 12 }, guess));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(10).fill(400), 429, 429]);
  const there = new Visitor();
  expect((await signIn(there, { username: "dan" })).status).toBe(201);
  const body = { current: PASSWORD, new: "another horse battery" };
  expect((await there.ask(changePassword, { method: "POST", body })).status).toBe(204);
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
