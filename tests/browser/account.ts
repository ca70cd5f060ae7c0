import { expect, test } from "vitest";
import { must, PASSWORD } from "../support/hub-member.ts";
import type { Story } from "./stories.ts";

const unique = (name: string): string => `${name}-${Date.now().toString(36)}`;

export const account: Story = (stage) => {
  test("a wrong password is told beside the form, the right one leads back to where one was going; signing out ends it", async () => {
    const page = await stage().open("/sign-in?next=%2Fbrowse%3Fkind%3Dguide");
    await page.getByLabel("Username or e-mail address").fill("ann");
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").and(page.locator("p")).waitFor();
    expect(await page.getByLabel("Username or e-mail address").inputValue()).toBe("ann");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${stage().url}/browse?kind=guide`);
    await page.locator("summary", { hasText: "ann" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${stage().url}/`);
    expect(await page.getByRole("link", { name: "Sign in" }).count()).toBe(1);
    await page.context().close();
  });

  test("another site is no place to go after signing in", async () => {
    const page = await stage().open("/sign-in?next=//evil.example/");
    expect(await page.locator("input[name=next]").count()).toBe(0);
    await page.context().close();
  });

  test("a token is shown once, works for a program, and is refused once it is deleted", async () => {
    const name = unique("laptop");
    const page = await stage().open("/settings", { as: stage().ben });
    await page.getByLabel("Name of a new token").fill(name);
    await page.getByRole("button", { name: "Make a token" }).click();
    const secret = (await page.getByLabel("Your new access token", { exact: true }).innerText()).trim();
    expect(secret).toMatch(/^gp_[A-Za-z0-9]{43}$/);
    const me = (): Promise<Response> => fetch(`${stage().url}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } });
    expect(await (await me()).json()).toMatchObject({ username: "ben", scopes: ["read"] });
    await page.reload();
    expect(await page.locator("main").innerText()).not.toContain(secret);
    await page.getByRole("button", { name: `Delete the token ${name}` }).click();
    await page.getByText(name).waitFor({ state: "detached" });
    expect((await me()).status).toBe(401);
    await page.context().close();
  });

  test("a name that is taken is told beside its field, before scripts have come", async () => {
    const { url } = must(201, await stage().ann.asBrowser("POST", "/invitations", {})).body as { url: string };
    const page = await stage().open(new URL(url).pathname + new URL(url).search, { scripts: false });
    await page.getByLabel("Username").fill("ben");
    await page.getByLabel("E-mail address").fill("other@example.org");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign up" }).click();
    expect(await page.locator("#username-problem").innerText()).toMatch(/taken/);
    await page.context().close();
  });

  test("light or dark is kept", async () => {
    const page = await stage().open("/words");
    const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "Dark" }).click();
    await expect.poll(ground).not.toBe(light);
    expect(page.url()).toBe(`${stage().url}/words`);
    await page.context().close();
  });

  test("looks right", async () => {
    await stage().look("sign-in", "/sign-in");
    await stage().look("join-refused", "/join?invitation=nothing");
    await stage().look("settings", "/settings", { as: stage().ann });
  });
};
