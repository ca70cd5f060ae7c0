import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ownerInvitation } from "#lib/auth/invitations.ts";
import { database } from "#lib/db/client.ts";
import { DELETE as revokeInvitation } from "../../../app/api/v1/invitations/[id]/route.ts";
import { GET as listInvitations, POST as createInvitation } from "../../../app/api/v1/invitations/route.ts";
import { GET as getMe } from "../../../app/api/v1/me/route.ts";
import { accountOf, invitationIn, PASSWORD, signUp, signUpGuest, signUpOwner } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { Visitor } from "../../support/visitor.ts";

const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();

afterAll(async () => {
  await client.end();
  await hub.close();
});

beforeEach(async () => {
  await client.query("DELETE FROM namespace; DELETE FROM app_user; DELETE FROM verification; DELETE FROM throttle");
});

const people = async (): Promise<unknown[]> =>
  (
    await client.query(
      "SELECT u.email, n.name, u.is_operator FROM app_user u LEFT JOIN namespace n ON n.user_id = u.id ORDER BY 1",
    )
  ).rows;
const ownerToken = async (): Promise<string> => invitationIn((await ownerInvitation())!);
const invite = async (owner: Visitor, body: object = {}): Promise<string> => {
  const answer = await owner.ask(createInvitation, { method: "POST", body });
  expect(answer.status).toBe(201);
  return invitationIn(answer.body.url);
};

const until = (holds: () => Promise<boolean>): Promise<void> => expect.poll(holds).toBe(true);

describe("an empty hub", () => {
  test("lets its owner in with the link of its start, signed in and as operator", async () => {
    const owner = new Visitor();
    expect(
      await signUp(owner, accountOf("Ann", { email: "Ann@Example.org", invitation: await ownerToken() })),
    ).toMatchObject({ status: 201, body: { username: "Ann" } });
    expect(await people()).toEqual([{ email: "ann@example.org", name: "Ann", is_operator: true }]);
    expect((await owner.ask(getMe)).body).toMatchObject({
      username: "Ann",
      name: "Ann",
      email: "ann@example.org",
      isOperator: true,
      scopes: ["read", "write", "run"],
      organisations: [],
    });
    expect(await ownerInvitation()).toBeNull();
  });

  test("lets in nobody else", async () => {
    await ownerInvitation();
    for (const more of [{}, { invitation: "" }, { invitation: "guess" }, { invitation: "owner-invitation:" }])
      expect(await signUp(new Visitor(), accountOf("eve", more))).toMatchObject({
        status: 403,
        body: { code: "forbidden", detail: { field: "invitation" } },
      });
    expect(await people()).toEqual([]);
  });

  test("has one link at a time: the newest", async () => {
    const [first, second] = [await ownerToken(), await ownerToken()];
    expect((await signUp(new Visitor(), accountOf("eve", { invitation: first }))).status).toBe(403);
    expect((await signUp(new Visitor(), accountOf("ann", { invitation: second }))).status).toBe(201);
    const links = await Promise.all([1, 2, 3, 4].map(() => ownerInvitation()));
    expect(links).toEqual([null, null, null, null]);
  });

  test("has one link also when several starts ask at once", async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map(() => ownerToken()));
    expect(new Set(tokens).size).toBe(4);
    expect((await client.query("SELECT count(*)::int FROM verification")).rows).toEqual([{ count: 1 }]);
  });

  test("refuses its link after a day, and a second owner", async () => {
    const late = await ownerToken();
    expect(
      (await client.query("SELECT expires_at - now() BETWEEN '23 h 59 min' AND '24 h' AS day FROM verification")).rows,
    ).toEqual([{ day: true }]);
    await client.query("UPDATE verification SET expires_at = now()");
    expect((await signUp(new Visitor(), accountOf("eve", { invitation: late }))).status).toBe(403);
    const token = await ownerToken();
    const answers = await Promise.all(
      ["ann", "bob", "cat"].map((name) => signUp(new Visitor(), accountOf(name, { invitation: token }))),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403, 403]);
    expect(await people()).toHaveLength(1);
  });

  test("does not keep the link, only its hash", async () => {
    const token = await ownerToken();
    expect(JSON.stringify((await client.query("SELECT * FROM verification")).rows)).not.toContain(token);
  });
});

describe("an invitation", () => {
  test("lets one of two in who come at once", async () => {
    const owner = await signUpOwner("ann");
    for (let round = 0; round < 5; round++) {
      const invitation = await invite(owner);
      const names = [`bob${round}`, `cat${round}`];
      const answers = await Promise.all(names.map((name) => signUp(new Visitor(), accountOf(name, { invitation }))));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403]);
    }
    expect(await people()).toHaveLength(6);
    expect((await client.query("SELECT count(*)::int FROM verification")).rows).toEqual([{ count: 0 }]);
  });

  test("is needed, and makes no operator", async () => {
    const owner = await signUpOwner("ann");
    expect(await signUp(new Visitor(), accountOf("eve"))).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining("needs an invitation") },
    });
    const bob = await signUpGuest(owner, "bob");
    expect((await bob.ask(getMe)).body).toMatchObject({ username: "bob", isOperator: false });
    expect((await bob.ask(createInvitation, { method: "POST", body: {} })).status).toBe(403);
    expect((await bob.ask(listInvitations)).status).toBe(403);
    expect((await new Visitor().ask(createInvitation, { method: "POST", body: {} })).status).toBe(401);
  });

  test("for one address is for no other", async () => {
    const owner = await signUpOwner("ann");
    const invitation = await invite(owner, { email: "Bob@example.org" });
    expect(await signUp(new Visitor(), accountOf("eve", { invitation }))).toMatchObject({
      status: 403,
      body: { detail: { field: "email" } },
    });
    expect((await signUp(new Visitor(), accountOf("bob", { invitation, email: "BOB@example.org" }))).status).toBe(201);
  });

  test("is listed without its secret, ends by time, and can be revoked", async () => {
    const owner = await signUpOwner("ann");
    const [kept, late, revoked] = [
      await invite(owner),
      await invite(owner, { expiresInHours: 1 }),
      await invite(owner, { email: "bob@example.org" }),
    ];
    await client.query("UPDATE verification SET expires_at = now() WHERE expires_at < now() + interval '2 h'");
    const { items } = (await owner.ask(listInvitations)).body;
    expect(items.map(({ email }: { email: string | null }) => email)).toEqual(["bob@example.org", null]);
    for (const secret of [kept, late, revoked]) expect(JSON.stringify(items)).not.toContain(secret);
    const params = { id: items[0].id };
    expect((await owner.ask(revokeInvitation, { method: "DELETE", params })).status).toBe(204);
    expect((await owner.ask(revokeInvitation, { method: "DELETE", params })).status).toBe(404);
    const answers = await Promise.all(
      [late, revoked, kept].map((invitation, n) =>
        signUp(new Visitor(), accountOf(["bob", "bob", "cat"][n]!, { invitation })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 201]);
  });
});

describe("nothing half-made remains", () => {
  test("of who takes a name or an address that is taken, and the invitation stays good", async () => {
    const owner = await signUpOwner("ann");
    const invitation = await invite(owner);
    expect(await signUp(new Visitor(), accountOf("ANN", { email: "bob@example.org", invitation }))).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: { field: "username" } },
    });
    expect(await signUp(new Visitor(), accountOf("bob", { email: "Ann@example.org", invitation }))).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: { field: "email" } },
    });
    expect(await people()).toHaveLength(1);
    expect((await signUp(new Visitor(), accountOf("bob", { invitation }))).status).toBe(201);
  });

  test("when the database refuses the last write", async () => {
    await client.query(
      "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; CREATE TRIGGER no BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.kind = 'account.create') EXECUTE FUNCTION no()",
    );
    const invitation = await ownerToken();
    const owner = new Visitor();
    expect((await signUp(owner, accountOf("ann", { invitation }))).status).toBe(500);
    await client.query("DROP FUNCTION no CASCADE");
    expect(await people()).toEqual([]);
    expect(owner.cookies.size).toBe(0);
    expect((await signUp(owner, accountOf("ann", { invitation }))).status).toBe(201);
  });

  test("when the process is killed between the person and their namespace", async () => {
    const invitation = await ownerToken();
    const blocker = new pg.Client({ connectionString: hub.database.url });
    await blocker.connect();
    await blocker.query("BEGIN; LOCK TABLE namespace IN EXCLUSIVE MODE");
    const code = `import { signUp } from "#lib/catalog/namespaces/sign-up.ts"; await signUp(${JSON.stringify(accountOf("ann", { invitation }))}, new Headers());`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      stdio: "ignore",
    });
    const busy =
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()";
    const waiting =
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%insert into%namespace%'";
    await until(async () => (await client.query(waiting)).rows[0].count > 0);
    child.kill("SIGKILL");
    await once(child, "exit");
    await blocker.end();
    await until(async () => (await client.query(busy)).rows[0].count === 0);
    expect(await people()).toEqual([]);
    expect((await signUp(new Visitor(), accountOf("ann", { invitation }))).status).toBe(201);
  });
});

describe("a username", () => {
  test.each(["api", "API", "sign-in", "_next", "favicon.ico", "models", "guidepost", "Starter"])(
    "%s is not for people",
    async (username) => {
      const answer = await signUp(
        new Visitor(),
        accountOf(username, { email: "x@example.org", invitation: await ownerToken() }),
      );
      expect(answer.status === 400 || answer.status === 409).toBe(true);
      expect(JSON.stringify(answer.body)).toContain("kept for");
    },
  );

  test.each(["", "-a", "a-", "a--b", "a..b", ".a", "a b", "a/b", "ä", "a\0", "a\u202eb", "x".repeat(41), "../etc"])(
    "%j is no name",
    async (username) => {
      expect(
        await signUp(new Visitor(), accountOf(username, { email: "x@example.org", invitation: await ownerToken() })),
      ).toMatchObject({ status: 400, body: { detail: { field: "username" } } });
    },
  );

  test.each(["a", "A_b.c-d", "x".repeat(40), "__proto__", "constructor"])("%j is one", async (username) => {
    expect(
      (await signUp(new Visitor(), accountOf(username, { email: "x@example.org", invitation: await ownerToken() })))
        .status,
    ).toBe(201);
  });
});

test("a password is long, short of absurd, and not the name", async () => {
  const invitation = await ownerToken();
  for (const password of ["short", "x".repeat(129), "ann-of-the-hill", "ann@example.org"]) {
    const account = { username: "ann-of-the-hill", email: "ann@example.org", password, invitation };
    expect(await signUp(new Visitor(), account)).toMatchObject({
      status: 400,
      body: { detail: { field: "password" } },
    });
  }
  expect(
    (
      await signUp(new Visitor(), {
        username: "ann",
        email: "ann@example.org",
        password: "пароль из слов 🦊🦊",
        invitation,
      })
    ).status,
  ).toBe(201);
});

test("many sign-ups from one address have to wait", async () => {
  const headers = { "x-forwarded-for": "203.0.113.7" };
  const { POST } = await import("../../../app/api/v1/accounts/route.ts");
  const ask = (): Promise<number> =>
    new Visitor().ask(POST, { method: "POST", body: accountOf("eve"), headers }).then(({ status }) => status);
  const statuses = await Promise.all(Array.from({ length: 25 }, ask));
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  expect(await signUp(new Visitor(), accountOf("ann", { invitation: await ownerToken() }))).toMatchObject({
    status: 201,
  });
});

test("who signed up, and by which invitation, is in the audit trail, without secrets", async () => {
  await client.query(
    "ALTER TABLE outbox DISABLE TRIGGER USER; DELETE FROM outbox; ALTER TABLE outbox ENABLE TRIGGER USER",
  );
  const owner = await signUpOwner("ann");
  await signUpGuest(owner, "bob");
  const { rows } = await client.query(
    "SELECT a.kind, n.name AS who, a.detail FROM outbox a LEFT JOIN namespace n ON n.user_id = a.actor_id ORDER BY a.id",
  );
  expect(rows.map(({ kind, who }) => [kind, who])).toEqual([
    ["invitation.create", null],
    ["account.create", "ann"],
    ["invitation.create", "ann"],
    ["account.create", "bob"],
  ]);
  const [, first, made, second] = (await database().outbox.findMany({ orderBy: { id: "asc" } })) as [
    unknown,
    { detail: unknown },
    { subjectId: string },
    { detail: { invitation: string } },
  ];
  expect(first.detail).toMatchObject({ operator: true });
  expect(second.detail.invitation).toBe(made.subjectId);
  for (const secret of [PASSWORD, "@example.org"]) expect(JSON.stringify(rows)).not.toContain(secret);
});
