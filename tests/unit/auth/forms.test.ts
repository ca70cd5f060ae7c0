import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import pg from "pg";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ownerInvitation } from "#lib/auth/invitations.ts";
import { type FormState, parseFormState } from "#lib/http/form.ts";
import { JoinForm } from "../../../app/(account)/join/form.tsx";
import { POST as join } from "../../../app/(account)/join/submit/route.ts";
import { SignInForm } from "../../../app/(account)/sign-in/form.tsx";
import { POST as signIn } from "../../../app/(account)/sign-in/submit/route.ts";
import { POST as signOut } from "../../../app/(account)/sign-out/route.ts";
import { GET as getMe } from "../../../app/api/v1/me/route.ts";
import { accountOf, invitationIn, PASSWORD } from "../../support/people.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { type Answer, Visitor } from "../../support/visitor.ts";

// The forms as a browser without scripts sends them; the pages themselves are tried where a whole hub runs.

const hub = await useTempHub({ GUIDEPOST_URL: "https://guides.example.org", GUIDEPOST_SIGNUP: "open" });
const client = new pg.Client({ connectionString: hub.database.url });
await client.connect();

afterAll(async () => {
  await client.end();
  await hub.close();
});

beforeEach(async () => {
  await client.query("DELETE FROM namespace; DELETE FROM app_user; DELETE FROM verification; DELETE FROM throttle");
});

type Fields = Readonly<Record<string, unknown>>;

function send(
  visitor: Visitor,
  handler: (request: Request) => Promise<Response>,
  fields: Fields = {},
  headers = {},
): Promise<Answer> {
  const body = new URLSearchParams(fields as Record<string, string>).toString();
  return visitor.ask(handler, {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}

const shown = (visitor: Visitor): FormState => parseFormState(visitor.cookies.get("guidepost-form"));
const invited = async (username: string, more = {}): Promise<Fields> =>
  accountOf(username, { invitation: invitationIn((await ownerInvitation())!), ...more });

test("signing up and in and out, by forms alone", async () => {
  const ann = new Visitor();
  const joined = await send(ann, join, await invited("ann", { name: "" }));
  expect([joined.status, joined.headers.get("location"), joined.body]).toEqual([303, "/", ""]);
  expect(joined.headers.getSetCookie()[0]).toMatch(
    /^__Secure-guidepost\.session_token=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  expect((await ann.ask(getMe)).body).toMatchObject({ username: "ann", name: "ann", isOperator: true });

  const out = await send(ann, signOut);
  expect([out.status, out.headers.get("location"), (await ann.ask(getMe)).status]).toEqual([303, "/", 401]);

  for (const login of ["ann", " ANN ", "Ann@example.org"]) {
    const visitor = new Visitor();
    const answer = await send(visitor, signIn, { login, password: PASSWORD });
    expect([answer.status, answer.headers.get("location"), (await visitor.ask(getMe)).status]).toEqual([303, "/", 200]);
  }
  expect((await send(new Visitor(), join, accountOf("bob"))).headers.get("location")).toBe("/"); // the hub is open and has its owner
});

describe("what is wrong comes back beside its field", () => {
  test("on the page for signing up, with what was written and without the password", async () => {
    const ann = new Visitor();
    const fields = await invited("api", { name: "Ann <b>", email: "ann", password: "short" });
    const answer = await send(ann, join, fields);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `/join?invitation=${fields["invitation"]}`]);
    expect(answer.headers.getSetCookie()[0]).toMatch(/; Path=\/join; Max-Age=60; HttpOnly; SameSite=Lax; Secure$/);
    expect(shown(ann)).toEqual({
      values: { username: "api", name: "Ann <b>", email: "ann" },
      problems: {
        username: "It is kept for a page of this hub; take another.",
        email: "It is no e-mail address, like ann@example.org.",
        password: "It must have 12 characters at least.",
      },
    });
    const html = renderToStaticMarkup(createElement(JoinForm, { invitation: 'i">', email: null, state: shown(ann) }));
    expect(html).toContain('value="Ann &lt;b&gt;"');
    expect(html).toContain('name="invitation" value="i&quot;&gt;"');
    expect(html).toContain('aria-describedby="email-hint email-problem" aria-invalid="true"');
    expect(html).toContain('<p role="alert"');
    expect(html).not.toContain("short");

    await send(ann, join, { ...fields, ...accountOf("ann") });
    expect(shown(ann)).toEqual({ values: {}, problems: {} }); // it went well, and the message is gone
  });

  test("also when only the database knows", async () => {
    await send(new Visitor(), join, await invited("ann"));
    const bob = new Visitor();
    await send(bob, join, accountOf("ANN", { email: "bob@example.org" }));
    expect(shown(bob).problems).toEqual({ username: "The name ANN is taken; take another." });
    await send(bob, join, accountOf("bob", { email: "Ann@example.org" }));
    expect(shown(bob).problems).toEqual({ email: "There is an account with this e-mail address; sign in instead." });
  });

  test("on the page for signing in", async () => {
    await send(new Visitor(), join, await invited("ann"));
    const visitor = new Visitor();
    expect((await send(visitor, signIn, { login: "ann", password: "incorrect horse" })).headers.get("location")).toBe(
      "/sign-in",
    );
    expect(shown(visitor)).toEqual({
      values: { login: "ann" },
      problems: { "": expect.stringContaining("is not right") },
    });
    await send(visitor, signIn, { login: "a b", password: "" });
    const html = renderToStaticMarkup(createElement(SignInForm, { state: shown(visitor) }));
    expect(html).toContain('id="login-problem"');
    expect(html).toContain('id="password-problem"');
    for (let n = 0; n < 12; n++) await send(visitor, signIn, { login: "ann", password: "incorrect horse" });
    expect(shown(visitor).problems[""]).toMatch(/too many attempts; wait 1[45] minutes/);
  });
});

test("a form says what is asked before it is wrong, and names each field for the browser", () => {
  const state = { values: {}, problems: {} };
  const html = [
    createElement(JoinForm, { invitation: null, email: "ann@example.org", state }),
    createElement(SignInForm, { state }),
  ].map((form) => renderToStaticMarkup(form));
  for (const word of [
    '<form action="/join/submit" method="post">',
    "12 to 128 characters",
    'autoComplete="username"',
    'autoComplete="email"',
    'autoComplete="new-password"',
    'value="ann@example.org"',
  ])
    expect(html[0]).toContain(word);
  for (const word of [
    '<form action="/sign-in/submit" method="post">',
    'autoComplete="username"',
    'autoComplete="current-password"',
  ])
    expect(html[1]).toContain(word);
  for (const form of html) {
    const inputs = [...form.matchAll(/<input id="([^"]+)"/g)].map(([, id]) => id);
    for (const id of inputs) expect(form).toContain(`<label for="${id}"`);
    expect(form).not.toMatch(/role="alert"|aria-invalid="|<script/);
  }
});

describe("a form is taken from our own pages only", () => {
  const origins: readonly Readonly<Record<string, string | null>>[] = [
    { origin: null },
    { origin: "null" },
    { origin: "https://evil.example" },
    { origin: "http://guides.example.org" },
    { origin: null, "sec-fetch-site": "cross-site" },
  ];
  test.each(origins)("%o", async (headers) => {
    const owner = new Visitor();
    await send(owner, join, await invited("ann"));
    for (const [handler, fields] of [
      [join, accountOf("eve")],
      [signIn, { login: "ann", password: PASSWORD }],
      [signOut, {}],
    ] as const) {
      const answer = await send(owner, handler, fields, headers);
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
    }
    expect((await owner.ask(getMe)).status).toBe(200);
  });
});

test("what is no form is refused", async () => {
  const visitor = new Visitor();
  for (const [body, type, status] of [
    [JSON.stringify(accountOf("ann")), "application/json", 400],
    ["x", "multipart/form-data; boundary=x", 400],
    [`username=${"x".repeat(1_000_000)}`, "application/x-www-form-urlencoded", 413],
    [new Uint8Array([0xff, 0xfe]), "application/x-www-form-urlencoded", 400],
  ] as const) {
    const request = new Request("https://guides.example.org/join/submit", {
      method: "POST",
      body,
      headers: { origin: "https://guides.example.org", "content-type": type },
    });
    expect((await join(request)).status).toBe(status);
  }
  for (const field of ["isOperator", "__proto__", "password[not]"]) {
    await send(visitor, join, await invited("ann", { [field]: "1" }));
    expect(Object.keys(shown(visitor).problems)).toEqual([""]);
  }
  expect((await client.query("SELECT count(*)::int FROM app_user")).rows).toEqual([{ count: 0 }]);
});

test("a cookie with all that may be written stays below 4 KB; one that is not ours shows nothing", async () => {
  const visitor = new Visitor();
  const long = "ä".repeat(400);
  const answer = await send(visitor, join, {
    username: long,
    name: long,
    email: long,
    password: long,
    invitation: "x",
  });
  expect(answer.headers.getSetCookie()[0]!.length).toBeLessThan(4096);
  for (const cookie of [
    undefined,
    "",
    "x",
    "e30",
    Buffer.from('{"values":{"a":1},"problems":{}}').toString("base64url"),
    Buffer.from('{"values":[],"problems":null}').toString("base64url"),
  ])
    expect(parseFormState(cookie)).toEqual({ values: {}, problems: {} });
});
