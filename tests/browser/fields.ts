import type { Page } from "playwright-core";
import { expect } from "vitest";

/** Waits until the fields of these labels hold these values, all at once: what fills a form does so a moment after the click. */
export async function expectFields(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  const labels = Object.keys(fields);
  const held = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        labels.map(async (label) => [label, await page.getByLabel(label, { exact: true }).inputValue()] as const),
      ),
    );
  await expect.poll(held).toEqual(fields);
}
