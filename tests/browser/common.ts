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

  test("what browsers and robots ask for by themselves is there", async () => {
    const kinds = ["/favicon.ico", "/icon.svg", "/robots.txt"].map(async (path) => {
      const answer = await fetch(stage().url + path);
      await answer.body?.cancel();
      return [answer.status, answer.headers.get("content-type")?.split(";")[0]];
    });
    expect(await Promise.all(kinds)).toEqual([
      [200, "image/x-icon"],
      [200, "image/svg+xml"],
      [200, "text/plain"],
    ]);
  });

  test("paper takes ink on white, whatever the theme, and no buttons", async () => {
    const page = await stage().open("/guidepost/storybook");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const printed = await page.evaluate(() => ({
      paper: getComputedStyle(document.body).backgroundColor,
      buttons: [...document.querySelectorAll("button")].filter((one) => one.checkVisibility()).length,
    }));
    expect(printed).toEqual({ paper: "rgb(255, 255, 255)", buttons: 0 });
    await page.context().close();
  });

  test("a link to a page says elsewhere what it leads to", async () => {
    const page = await stage().open("/guidepost/storybook");
    const said = (name: string): Promise<string | null> =>
      page.locator(`meta[property="og:${name}"]`).getAttribute("content");
    expect(await said("title")).toBe("guidepost/storybook");
    expect((await said("description"))!.length).toBeGreaterThan(20);
    await page.context().close();
  });

  test("looks right", () => stage().look("words", "/words"));
  test("every part that pages are made of is sound in all its states", () => stage().look("components", "/components"));
  test("an address that leads nowhere says so, with a way on", () => stage().look("not-found", "/nobody/nothing"));
};
