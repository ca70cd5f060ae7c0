import { expect, test } from "vitest";
import type { Story } from "./stories.ts";

export const common: Story = (stage) => {
  test("every word that a page links to is there", async () => {
    const page = await stage().open("/words#guide");
    expect(await page.locator("#guide dd").innerText()).toMatch(/small network/);
    await page.context().close();
  });

  test("looks right", () => stage().look("words", "/words"));
  test("every part that pages are made of is sound in all its states", () => stage().look("components", "/components"));
  test("an address that leads nowhere says so, with a way on", () => stage().look("not-found", "/nobody/nothing"));
};
