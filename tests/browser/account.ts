import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { HubMember, must, PASSWORD } from "../support/hub-member.ts";
import type { Story } from "./stories.ts";

const unique = (name: string): string => `${name}-${Date.now().toString(36)}`;

export const account: Story = (stage) => {
  const me = (secret: string): Promise<Response> =>
    fetch(`${stage().url}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } });

  const signIn = async (page: Page, login: string, password: string): Promise<void> => {
    await page.getByLabel("Username or e-mail address").fill(login);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  const invitation = async (): Promise<string> => {
    const { url } = must(201, await stage().ann.asBrowser("POST", "/invitations", {})).body as { url: string };
    return new URL(url).pathname + new URL(url).search;
  };

  test("a wrong password is told beside the form, the right one leads back to where one was going; signing out ends it", async () => {
    const page = await stage().open("/sign-in?next=%2Fbrowse%3Fkind%3Dguide");
    await signIn(page, "ann", "not the password");
    await page.getByRole("alert").and(page.locator("p")).waitFor();
    await expect.poll(() => page.getByLabel("Username or e-mail address").inputValue()).toBe("ann");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${stage().url}/browse?kind=guide`);
    await page.goto(`${stage().url}/sign-in?next=/words`); // who is signed in already goes on
    await page.waitForURL(`${stage().url}/words`);
    await page.locator("summary", { hasText: "ann" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${stage().url}/`);
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await page.goto(`${stage().url}/settings`);
    await page.waitForURL(`${stage().url}/sign-in?next=/settings`);
    await page.context().close();
  });

  test("another site is no place to go after signing in", async () => {
    const page = await stage().open("/sign-in?next=/words", { scripts: false });
    expect(await page.locator("input[name=next]").getAttribute("value")).toBe("/words");
    for (const next of ["//evil.example/", "/\\evil.example", "https://evil.example/", "javascript:alert(1)"]) {
      await page.goto(`${stage().url}/sign-in?next=${encodeURIComponent(next)}`);
      expect(await page.locator("input[name=next]").count(), next).toBe(0);
    }
    await page.context().close();
  });

  test("an operator sets the limits of a name in a form, without scripts too; what is wrong stands beside its field", async () => {
    const page = await stage().open("/settings", { as: stage().ann, scripts: false, width: 390 });
    await page.getByLabel("Name of a person or an organisation").fill("nobody-here");
    await page.getByRole("button", { name: "Show its limits" }).click();
    await expect.poll(() => page.locator("#quotaOf-problem").innerText()).toContain("no namespace nobody-here");
    await page.getByLabel("Name of a person or an organisation").fill("BEN");
    await page.getByRole("button", { name: "Show its limits" }).click();
    await page.waitForURL(`${stage().url}/settings/quotas/ben`);
    await page.getByLabel("Bytes").fill("much");
    await page.getByLabel("Repos").fill("5000");
    await page.getByRole("button", { name: "Set these limits" }).click();
    await page.locator("#bytes-problem", { hasText: "Write a size like 500 GB, or leave it empty." }).waitFor();
    await expect.poll(() => page.getByLabel("Repos").inputValue()).toBe("5000");
    await page.getByLabel("Bytes").fill("1.5 TB");
    await page.getByRole("button", { name: "Set these limits" }).click();
    await page.getByText("The limits of ben were set").waitFor();
    await expect.poll(() => page.getByLabel("Bytes").inputValue()).toBe("1.5 TB");

    const theirs = await stage().open("/settings#quota", { as: stage().ben });
    await theirs.getByText("of 1.50 TB").waitFor();
    expect(await theirs.locator("#quotas").count()).toBe(0);
    for (const path of ["/settings/quotas/ben", "/settings/quotas/ann"])
      expect((await theirs.goto(stage().url + path))?.status(), path).toBe(403);
    await theirs.context().close();

    for (const label of ["Bytes", "Repos"]) await page.getByLabel(label).fill("");
    await page.getByRole("button", { name: "Set these limits" }).click();
    await page.getByText("of 200 GB").waitFor();
    await page.context().close();
  });

  test("a token is shown once with how to use it, works for a program, and is refused once it is deleted", async () => {
    const name = unique("laptop");
    const page = await stage().open("/settings", { as: stage().ben });
    await page.getByLabel("Name of a new token").fill(name);
    await page.getByRole("button", { name: "Make a token" }).click();
    const secret = (await page.getByLabel("Your new access token", { exact: true }).innerText()).trim();
    expect(secret).toMatch(/^hf_[A-Za-z0-9]{43}$/);
    expect(await page.getByLabel("How to use it", { exact: true }).innerText()).toContain(
      `curl -H "Authorization: Bearer ${secret}" \\\n  ${stage().url}/api/v1/me`,
    );
    expect(await (await me(secret)).json()).toMatchObject({ username: "ben", scopes: ["read"] });
    await page.reload();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: `Delete the token ${name}` }).click();
    await page.getByRole("button", { name: "Go back" }).click();
    expect((await me(secret)).status).toBe(200); // it asked first
    await page.getByRole("button", { name: `Delete the token ${name}` }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("The token was deleted").waitFor();
    await expect.poll(() => page.locator("main").innerText()).not.toContain(name);
    expect((await me(secret)).status).toBe(401);
    await page.context().close();
  });

  test("a token is made and deleted without scripts; its secret is in no address and no cookie", async () => {
    const name = unique("<b>robot");
    const page = await stage().open("/settings", { as: stage().ben, scripts: false });
    await page.getByLabel("Name of a new token").fill(name);
    await page.getByRole("checkbox", { name: /^read/ }).uncheck();
    await page.getByRole("button", { name: "Make a token" }).click();
    await page.getByText("Give one at least.").waitFor();
    await expect.poll(() => page.getByLabel("Name of a new token").inputValue()).toBe(name);
    await page.getByRole("checkbox", { name: /^read/ }).uncheck();
    await page.getByRole("checkbox", { name: /^run/ }).check();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.getByRole("button", { name: "Make a token" }).click(),
    ]);
    expect([answer.status(), answer.headers()["cache-control"]]).toEqual([200, "private, no-store"]);
    const secret = await page.locator("#secret").innerText();
    expect((await (await me(secret)).json()).code).toBe("forbidden"); // it may run and not read
    const kept = JSON.stringify([page.url(), await page.context().cookies()]);
    expect(kept).not.toContain(secret);
    await page.getByRole("link", { name: "Back to your settings" }).click();
    await page.getByRole("button", { name: `Delete the token ${name}` }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("The token was deleted").waitFor();
    expect((await me(secret)).status).toBe(401);
    await page.context().close();
  });

  test("an invitation is used once: a taken name is told beside its field, and who signed up is led on; a new password ends other sessions", async () => {
    const operator = await stage().open("/settings", { as: stage().ann });
    await operator.getByRole("button", { name: "Make a link" }).click();
    const link = (await operator.getByLabel("The link of the invitation", { exact: true }).innerText()).trim();
    await operator.goto(link);
    expect(await operator.locator("main").innerText()).toMatch(
      /You are signed in as ann\. This link is for somebody who has no account/,
    );
    await operator.context().close();

    const [username, password] = [unique("dora"), "quiet harbour lantern"];
    const page = await stage().open(`${link.slice(stage().url.length)}&next=/words`, { scripts: false });
    await page.getByLabel("Username").fill("ben");
    await page.getByLabel("E-mail address").fill(`${username}@example.org`);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.locator("#username-problem", { hasText: /taken/ }).waitFor();
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.waitForURL(`${stage().url}/words`);

    const late = await stage().open(link.slice(stage().url.length));
    expect(await late.locator("main").innerText()).toMatch(/cannot be used: it was used already/);
    await late.context().close();

    const elsewhere = await HubMember.signIn(stage().url, username);
    await page.goto(`${stage().url}/settings`);
    await page.getByLabel("Current password").fill("not the password");
    await page.getByLabel("New password").fill(password);
    await page.getByRole("button", { name: "Change password" }).click();
    await page.locator("#current-problem", { hasText: /not right/ }).waitFor();
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill(password);
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("Your password was changed.").waitFor();
    expect((await elsewhere.asBrowser("GET", "/tokens")).status).toBe(401);
    await page.context().close();
  });

  test("an organisation is made, and its owner takes somebody in, changes what they may, and lets them go", async () => {
    const name = unique("workshop");
    const page = await stage().open("/settings", { as: stage().ben, scripts: false });
    await page.getByLabel("Name of a new one").fill("ann");
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator("#organisation-problem", { hasText: /taken/ }).waitFor();
    expect(await page.locator("#token-problem").count()).toBe(0);
    await page.getByLabel("Name of a new one").fill(name);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.getByLabel("Username of a new member").fill("nobody-of-that-name");
    await page.getByRole("button", { name: "Take in" }).click();
    await page.locator("#username-problem", { hasText: /no person/ }).waitFor();
    await page.getByLabel("Username of a new member").fill("ann");
    await page.getByRole("button", { name: "Take in" }).click();
    const members = async (): Promise<unknown> => (await stage().ben.ask("GET", `/namespaces/${name}`)).body.members;
    await expect.poll(members).toEqual([
      { username: "ann", role: "writer" },
      { username: "ben", role: "owner" },
    ]);
    await page.getByRole("combobox", { name: "Role of ann" }).selectOption("reader");
    await page.getByRole("button", { name: "Change the role of ann" }).click();
    await expect.poll(members).toContainEqual({ username: "ann", role: "reader" });
    await stage().look("settings-organisation", `/settings/organisations/${name}`, { as: stage().ben });
    await page.getByRole("button", { name: "Remove ann" }).click();
    await page.getByRole("button", { name: "Remove them" }).click();
    await expect.poll(members).toEqual([{ username: "ben", role: "owner" }]);
    await page.getByRole("button", { name: "Remove ann" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: `Leave ${name}` }).click();
    await page.getByRole("button", { name: "Leave it" }).click();
    await page
      .getByRole("alert")
      .and(page.locator("p", { hasText: /without an owner/ }))
      .waitFor();
    expect(await members()).toEqual([{ username: "ben", role: "owner" }]);
    await page.context().close();
  });

  test("light or dark is kept", async () => {
    const page = await stage().open("/words");
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "Dark" }).click();
    await expect.poll(ground).not.toBe(light);
    await page.waitForURL(`${stage().url}/words`);
    await page.context().close();
  });

  test("looks right", async () => {
    await stage().look("sign-in", "/sign-in");
    await stage().look("sign-in-wrong", "/sign-in?next=/preview", {}, async (page) => {
      await signIn(page, "nobody-of-that-name", "not the password");
      await page.getByRole("alert").and(page.locator("p")).waitFor();
    });
    await stage().look("join", await invitation());
    await stage().look("join-refused", "/join?invitation=nothing");
    await stage().look("join-signed-in", "/join", { as: stage().ben });
    const made: string[] = [];
    await stage().look("settings", "/settings", { as: stage().ann }, async (page) => {
      made.push(unique("the machine in the corner of the room with the long name that nobody remembers"));
      await page.getByLabel("Name of a new token").fill(made.at(-1)!);
      await page.getByRole("button", { name: "Make a token" }).click();
      await page.getByLabel("Your new access token", { exact: true }).waitFor();
    });
    await stage().look("settings-asks", "/settings", { as: stage().ann }, async (page) => {
      await page.getByRole("button", { name: `Delete the token ${made[0]}` }).click();
      await page.getByRole("dialog").waitFor();
    });
    const { items } = (await stage().ann.asBrowser("GET", "/tokens")).body as { items: { id: string; name: string }[] };
    for (const { id, name } of items)
      if (made.includes(name)) must(204, await stage().ann.asBrowser("DELETE", `/tokens/${id}`));
  });
};
