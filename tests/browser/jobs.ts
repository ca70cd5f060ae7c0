import { expect, test } from "vitest";
import { eventually, must } from "../support/hub-member.ts";
import type { Story } from "./stories.ts";

export const jobs: Story = (stage) => {
  test("what is done stands there with what it is about; j and k move through it; a row leads to all that happened", async () => {
    await eventually("a pair measured", async () => (await stage().ann.ask("GET", "/jobs?kind=check&state=succeeded")).body.items as unknown[], (items) => items.length > 0, 200);
    const page = await stage().open("/jobs?kind=check&state=succeeded");
    const first = page.getByRole("row").nth(1);
    expect(await first.innerText()).toMatch(/measures\s+guidepost\/guide-\w+ on guidepost\/\w+\s+✓\s*done/);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
    await page.getByText("Waiting for a worker.").waitFor();
    expect(await page.getByRole("listitem").allInnerTexts().then((all) => all.join("\n"))).toMatch(/Waiting for a worker\.[^]*Begun on [^]*Done\./);
    await page.context().close();
  });

  test("one that waits or runs is cancelled by a button, and run again by another", async () => {
    const { body } = must(202, await stage().ben.ask("POST", "/previews", { finetune: "guidepost/watercolor", guide: "guidepost/guide-tiny", prompt: "a small red boat at sea", seed: 5, steps: 100 }));
    const page = await stage().open("/jobs?mine=true", { as: stage().ben, scripts: false });
    const row = page.getByRole("row", { name: /draws guidepost\/watercolor with guidepost\/guide-tiny/ }).first();
    await row.getByRole("button", { name: "Cancel" }).click();
    expect(page.url()).toBe(`${stage().url}/jobs/${body.id}`);
    expect(await page.locator("main").innerText()).toMatch(/cancelled/);
    await page.getByRole("button", { name: "Run it again" }).click();
    expect(page.url()).not.toContain(body.id);
    expect(page.url()).toMatch(/\/jobs\/[0-9a-f-]{36}$/);
    const again = page.url().split("/").at(-1)!;
    await page.context().close();
    expect((await stage().ben.ask("POST", `/previews/${again}/cancel`)).status).toBeLessThan(410); // nobody looks at it
  });

  test("one that failed says why", async () => {
    const repo = await stage().ben.newRepo(`broken-${Date.now().toString(36)}`, { visibility: "private" });
    must(201, await stage().ben.commit(repo, [{ op: "add", path: "model.safetensors", content: Buffer.from("no weights at all").toString("base64"), encoding: "base64" }]));
    const page = await stage().open("/jobs?mine=true&state=failed", { as: stage().ben });
    await eventually("the failure", async () => (await page.reload(), page.locator("main").innerText()), (text) => text.includes(`${repo}`) && /model\.safetensors/.test(text), 60);
    expect(await page.getByRole("button", { name: "Run it again" }).count()).toBeGreaterThan(0);
    await page.context().close();
  });

  test("somebody else's are not there", async () => {
    const page = await stage().open("/jobs?mine=true");
    expect(await page.getByRole("link", { name: "only mine" }).count()).toBe(0);
    await page.context().close();
  });

  test("looks right", async () => {
    const { items } = (await stage().ann.ask("GET", "/jobs?kind=check&limit=1")).body as { items: { subjectId: string }[] };
    await stage().look("jobs", "/jobs");
    await stage().look("jobs-none", "/jobs?state=failed&kind=check");
    await stage().look("job", `/jobs/${items[0]!.subjectId}`);
  });
};
