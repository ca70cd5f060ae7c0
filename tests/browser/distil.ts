import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { eventually, must } from "../support/hub-member.ts";
import type { Story } from "./stories.ts";

const unique = (name: string): string => `${name}-${Date.now().toString(36)}`;

export const distil: Story = (stage) => {
  const view = async (id: string) => must(200, await stage().ben.ask("GET", `/distillations/${id}`)).body;
  const until = (id: string, state: string): Promise<unknown> =>
    eventually(
      `the distillation ${state}`,
      () => view(id),
      (one) => one.state === state,
    );
  const idIn = (page: Page): string => new URL(page.url()).pathname.split("/")[2]!;

  test("a base’s page leads to a form that says what a guide costs; what is wrong stands beside its field, without scripts too", async () => {
    const page = await stage().open("/guidepost/storybook", { as: stage().ben, scripts: false, width: 390 });
    await page.getByRole("link", { name: "Distil a guide", exact: true }).click();
    await page.getByRole("heading", { name: "What it costs" }).waitFor();
    await expect
      .poll(() => page.getByRole("main").locator("dl").innerText())
      .toMatch(/about \d+ k parameters, at most 1% of the base’s/);
    await page.getByLabel("How large").selectOption("small");
    await page.getByRole("button", { name: "Work out what that costs" }).click();
    await expect.poll(() => page.getByRole("main").locator("dl").innerText()).toMatch(/at most 3% of the base’s/);
    await page.getByLabel("from", { exact: true }).fill("8");
    await page.getByLabel("to", { exact: true }).fill("1");
    await page.getByRole("button", { name: "Distil a guide" }).click();
    await page.locator("#low-problem", { hasText: "The guidance 8 to 1 is reversed" }).waitFor();
    await expect.poll(() => page.getByLabel("from", { exact: true }).inputValue()).toBe("8");
    await page.context().close();
    await stage().look("distil-new", "/distillations/new?base=guidepost/storybook", { as: stage().ben });
    await stage().look("distil-refused", "/distillations/new?base=guidepost/watercolor", { as: stage().ben });
  });

  test("it is paused, resumed and done on its page, and its guide is there to be seen", async () => {
    const name = unique("learned");
    const page = await stage().open("/distillations/new?base=guidepost/storybook", { as: stage().ben });
    await page.getByLabel("Published as").fill(name);
    await page.getByLabel("Steps that it learns").fill("60");
    await page.getByLabel("Walks that the base draws for it").fill("8");
    await page.getByRole("button", { name: "Distil a guide" }).click();
    await page.waitForURL(/\/distillations\/[0-9a-f-]{36}$/);
    const id = idIn(page);
    await page.getByText(/The guide learns: step|The base draws what/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click(); // before anybody looks around: it would be done by then
    await page.getByText("Nobody works on it until it is resumed.").waitFor();
    await stage().look("distil-paused", `/distillations/${id}`, { as: stage().ben });
    await stage().look("distil-empty", `/ben/${name}`);
    await page.getByRole("button", { name: "Resume" }).click();
    await until(id, "succeeded");
    await page.getByText("The guide is published in").waitFor(); // by itself
    await stage().look("distil-done", `/distillations/${id}`);
    await page.getByRole("link", { name: "See the guide" }).click();
    await page.waitForURL(`${stage().url}/ben/${name}`);
    await page.getByRole("link", { name: "How it learned" }).waitFor();
    await stage().look("distil-guide", `/ben/${name}`);
    await page.context().close();
  });

  test("one that is cancelled says so and may begin anew; the list has both", async () => {
    const asked = { base: "guidepost/storybook", owner: "ben", name: unique("given-up"), steps: 2000, trajectories: 8 };
    const { id } = must(202, await stage().ben.ask("POST", "/distillations", asked)).body as { id: string };
    const page = await stage().open(`/distillations/${id}`, { as: stage().ben, scripts: false });
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("It was cancelled, and its checkpoint is gone").waitFor();
    await page.getByRole("button", { name: "Begin anew" }).waitFor();
    await page.getByRole("link", { name: "Distillations" }).click();
    await page.getByRole("list", { name: "Distillations" }).getByText("cancelled").first().waitFor();
    await page.context().close();
    await stage().look("distil-cancelled", `/distillations/${id}`, { as: stage().ben });
    await stage().look("distil-list", "/distillations", { as: stage().ben });
  });
};
