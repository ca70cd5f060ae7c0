import { expect, test } from "vitest";
import type { Page } from "playwright-core";
import { blendOfSecond, clipOfSecond, expectBlinking } from "./compared.ts";
import { pressUntil } from "./stage.ts";
import { MEASURED_WITHIN, type Story } from "./stories.ts";

export const front: Story = (stage) => {
  /** The front page once the hub has measured and drawn something of its own. */
  const shown = async (): Promise<Page> => {
    const page = await stage().open("/");
    await page.getByRole("slider", { name: /^Divider/ }).waitFor({ timeout: MEASURED_WITHIN * 1000 }); // the page refreshes itself while the hub measures
    return page;
  };

  test("shows in one look what a guide does: CFG beside it, passes and seconds under each, measured here", async () => {
    const page = await shown();
    await expect
      .poll(() => page.locator("figcaption").innerText())
      .toMatch(/CFG\s*· 40 passes · \d+\.\d\d s[^]*guide\s*· 20 passes · \d+\.\d\d s/);
    const images = page.locator("figure img");
    await expect
      .poll(() => images.evaluateAll((all) => all.map((image) => (image as HTMLImageElement).naturalWidth)))
      .toEqual([128, 128]);
    await page.getByRole("link", { name: /^measured on this hub/ }).click();
    await page.waitForURL(/\/pairs\/[0-9a-f-]{36}$/);
    await page.context().close();
  });

  test("the divider follows the arrow keys and the mouse; the other views show what they say", async () => {
    const page = await shown();
    const divider = page.getByRole("slider", { name: /^Divider: CFG on the left, guide on the right$/ });
    await divider.focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => divider.getAttribute("aria-valuetext")).toBe("48% CFG");
    await expect.poll(() => clipOfSecond(page)).toBe("inset(0px 0px 0px 48%)");
    const pull = async (): Promise<number> => {
      const box = (await divider.boundingBox())!; // what stands above it may still be growing
      await page.mouse.move(box.x + box.width * 0.48, box.y + 50);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.8, box.y + 50, { steps: 5 });
      await page.mouse.up();
      return Number.parseFloat((await divider.getAttribute("aria-valuetext"))!);
    };
    await expect.poll(pull).toBeGreaterThan(70);

    await page.getByRole("button", { name: "Side by side" }).click();
    await expect.poll(() => page.locator("figure img").count()).toBe(3);
    await page.getByRole("button", { name: /^Difference/ }).click();
    await expect.poll(() => blendOfSecond(page)).toBe("difference");
    await page.getByRole("button", { name: "Blink" }).click();
    await expectBlinking(page);
    await page.context().close();
  });

  test("leads on: to a guide for a model, to an upload, to everything", async () => {
    const page = await shown();
    await page.getByLabel("Find a guide for your model").fill("watercolor");
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL(/\/browse\?kind=finetune&q=watercolor$/);
    await page.getByRole("link", { name: "guidepost/watercolor", exact: true }).click();
    await page.waitForURL(/\/guidepost\/watercolor$/);
    await page.goto(`${stage().url}/`);
    await pressUntil(page, "/", () => page.evaluate(() => document.activeElement?.id === "search"));
    await page.context().close();
  });

  test("says the same before any script has come", async () => {
    const page = await stage().open("/", { scripts: false });
    await expect.poll(() => page.locator("noscript img").count()).toBe(3);
    await page
      .getByText(/20 passes · \d+\.\d\d s/)
      .first()
      .waitFor();
    await page.context().close();
  });

  test("looks right", () => stage().look("front", "/"));
};
