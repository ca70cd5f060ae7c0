import { expect, test } from "vitest";
import type { Story } from "./stories.ts";

export const common: Story = (stage) => {
  test("every word that a page links to is there", async () => {
    const page = await stage().open("/words#guide");
    expect(await page.locator("#guide dd").innerText()).toMatch(/small network/);
    await page.context().close();
  });

  test("scripts of the hub run on every page, also where nothing is, and no other script does", async () => {
    for (const path of ["/", "/browse", "/guidepost/storybook", "/nobody/nothing", "/jobs/abc", "/pairs?cursor=abc"]) {
      const page = await stage().open(path);
      await page.waitForFunction(() => Object.keys(document.body).some((key) => key.startsWith("__react")));
      await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'it ran'";
        const picture = document.createElement("div");
        picture.innerHTML = "<img src='/nothing.png' onerror=\"document.title = 'it ran'\" />";
        document.body.append(script, picture);
        const { promise, resolve } = Promise.withResolvers<void>();
        picture.firstElementChild!.addEventListener("error", () => resolve()); // after its attribute would have run
        return promise;
      });
      expect([path, await page.title()]).not.toContain("it ran");
      await page.context().close();
    }
  });

  test("looks right", () => stage().look("words", "/words"));
  test("every part that pages are made of is sound in all its states", () => stage().look("components", "/components"));
  test("an address that leads nowhere says so, with a way on", () => stage().look("not-found", "/nobody/nothing"));
};
