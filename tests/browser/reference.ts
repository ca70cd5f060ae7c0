import { expect, test } from "vitest";
import { operations } from "#lib/http/operations/all.ts";
import type { Story } from "./stories.ts";

export const reference: Story = (stage) => {
  test("every endpoint has a line and a page of its own, which says who may call it and what it takes and answers", async () => {
    const page = await stage().open("/");
    await page.getByRole("link", { name: "API", exact: true }).click();
    await page.waitForURL(/\/reference$/);
    const lines = page.locator("tr[data-row]");
    await expect.poll(() => lines.count()).toBe(operations.length);
    await page.getByRole("link", { name: "POST /api/v1/repos", exact: true }).click();
    await page.waitForURL(/\/reference\/createRepo$/);
    const said = await page.locator("main").innerText();
    expect(said).toMatch(/curl -X POST[^]*Authorization: Bearer \$TOKEN[^]*"visibility":"public"/);
    expect(said).toMatch(/Body[^]*visibility\s+one of "public", "private"[^]*Answer, 201[^]*409\s+conflict/);
    expect((await page.goto(`${stage().url}/reference/nothing`))!.status()).toBe(404);
    await page.context().close();
  });

  test("looks right", () => stage().look("reference", "/reference"));
  test("looks right: an endpoint", () => stage().look("reference-endpoint", "/reference/createPreview"));
};
