import type { Page } from "playwright-core";
import { expect } from "vitest";

// Of two pictures that are compared, the second lies on the first.

const second = (page: Page) => page.locator("figure img").nth(1);

export const clipOfSecond = (page: Page): Promise<string> => second(page).evaluate((image) => image.style.clipPath);

export const blendOfSecond = (page: Page): Promise<string> =>
  second(page).evaluate((image) => getComputedStyle(image).mixBlendMode);

/** The second is hidden as a whole, then shown as a whole, then hidden again. */
export async function expectBlinking(page: Page): Promise<void> {
  for (const clip of ["inset(0px 0px 0px 100%)", "none", "inset(0px 0px 0px 100%)"])
    await expect.poll(() => clipOfSecond(page)).toBe(clip);
}
