import { expect, test } from "vitest";
import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { eventually, must } from "../support/hub-member.ts";
import { pressUntil } from "./stage.ts";
import type { Story } from "./stories.ts";

export const jobs: Story = (stage) => {
  /** Pictures that take long enough to be seen waiting; more than there are places at a worker. */
  const askForPreviews = async (count: number): Promise<string[]> => {
    const ask = {
      finetune: "guidepost/watercolor",
      guide: "guidepost/guide-tiny",
      prompt: "a small red boat at sea",
      seed: 5,
      steps: 100,
    };
    const ids: string[] = [];
    for (let seed = 1; seed <= count; seed++)
      ids.push(must(202, await stage().ben.ask("POST", "/previews", { ...ask, seed })).body.id as string);
    return ids;
  };
  const cancelAll = (ids: readonly string[]): Promise<unknown> =>
    Promise.all(ids.map((id) => stage().ben.ask("POST", `/previews/${id}/cancel`)));

  const brokenRepo = async (): Promise<{ repo: string; subjectId: string }> => {
    const repo = await stage().ben.newRepo(`broken-${Date.now().toString(36)}`, { visibility: "private" });
    must(
      201,
      await stage().ben.commit(repo, [
        {
          op: "add",
          path: "model.safetensors",
          content: Buffer.from("no weights at all").toString("base64"),
          encoding: "base64",
        },
      ]),
    );
    const look = async (): Promise<JobItem[]> =>
      (await stage().ben.ask("GET", "/jobs?mine=true&state=failed")).body.items as JobItem[];
    const failed = await eventually("the failure", look, (items) => items.some((item) => item.repo === repo));
    return { repo, subjectId: failed.find((item) => item.repo === repo)!.subjectId };
  };

  test("what is done stands there with what it is about; j and k move through it; a row leads to all that happened", async () => {
    // Of a list that changes, another row would be the first by the time that it is chosen.
    const inspections = async (state: string): Promise<number> =>
      (must(200, await stage().ann.ask("GET", `/jobs?kind=inspect&state=${state}`)).body.items as unknown[]).length;
    await eventually(
      "all models inspected",
      () => Promise.all(["succeeded", "queued", "running"].map(inspections)),
      ([succeeded, queued, running]) => succeeded! > 0 && queued === 0 && running === 0,
    );
    const page = await stage().open("/jobs?kind=inspect&state=succeeded");
    const first = page.getByRole("list", { name: "Jobs" }).getByRole("listitem").first();
    await expect.poll(() => first.innerText()).toMatch(/Inspection\s+[\w-]+\/[\w.-]+[^]*✓\s*done/);
    const href = await first.getByRole("link", { name: "Inspection" }).getAttribute("href");
    await pressUntil(page, "j", () => page.evaluate(() => document.activeElement?.closest("[data-row]") != null));
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(stage().url + href!);
    await page.getByText("Waiting for a worker.").first().waitFor();
    await expect
      .poll(() => page.locator("main").innerText())
      .toMatch(/Waiting for a worker\.[^]*A worker has begun\.[^]*Done\.[^]*waited\s+[\d.]+ \w+\s+took\s+[\d.]+ \w+/);
    expect(await page.locator("main").getByRole("button").count()).toBe(0); // nobody is signed in
    const subject = page.getByRole("heading", { level: 1 }).getByRole("link");
    const repo = await subject.getAttribute("href");
    await subject.click();
    await page.waitForURL(`${stage().url}${repo}`);
    await page.context().close();
  });

  test("one that waits or runs is cancelled by a button, and run again by another, without scripts", async () => {
    const ids = await askForPreviews(6);
    const id = ids.at(-1)!; // it waits for the others
    const page = await stage().open("/jobs?mine=true", { as: stage().ben, scripts: false });
    await page
      .getByRole("listitem")
      .filter({ has: page.locator(`a[href="/jobs/${id}"]`) })
      .getByRole("button", { name: /^Cancel/ })
      .click();
    await page.waitForURL(`${stage().url}/jobs/${id}`);
    await page.getByText("Cancelled.", { exact: true }).waitFor();
    expect((await stage().ben.ask("GET", `/jobs/${id}`)).body.state).toBe("cancelled");
    await page.getByRole("button", { name: /^Run it again/ }).click();
    await page.waitForURL(({ pathname }) => /^\/jobs\/[0-9a-f-]{36}$/.test(pathname) && !pathname.endsWith(id));
    const again = page.url().split("/").at(-1)!;
    expect((await stage().ben.ask("GET", `/previews/${again}`)).body).toMatchObject({
      seed: ids.length,
      finetune: { repo: "guidepost/watercolor" },
    });
    await page.context().close();
    await cancelAll([...ids, again]);
  });

  test("those that wait say what goes before them, and the page follows by itself", async () => {
    const ids = await askForPreviews(6);
    const page = await stage().open("/jobs?mine=true&kind=preview", { as: stage().ben });
    const row = (id: string) => page.getByRole("listitem").filter({ has: page.locator(`a[href="/jobs/${id}"]`) });
    await expect
      .poll(() => row(ids.at(-1)!).innerText())
      .toMatch(/waiting\s+· (next in the queue|\d+ ahead in the queue)/);
    await stage().look("jobs-busy", "/jobs?mine=true&kind=preview", { as: stage().ben });
    await cancelAll(ids);
    await expect.poll(() => row(ids.at(-1)!).innerText()).not.toMatch(/waiting/);
    await page.context().close();
  });

  test("one that failed says why, and is tried again where that is asked for; nobody else sees it", async () => {
    const { repo, subjectId } = await brokenRepo();
    const page = await stage().open("/jobs?mine=true&state=failed", { as: stage().ben });
    const row = page.getByRole("listitem").filter({ hasText: repo });
    await expect.poll(() => row.innerText()).toMatch(/!\s*failed\s[^]*model\.safetensors: /);
    await row.getByRole("button", { name: `Run it again: ${repo}` }).click();
    await page.waitForURL(`${stage().url}/jobs/${subjectId}`);
    await expect.poll(() => page.getByText("Waiting for a worker.").count()).toBe(2);
    await page.getByRole("button", { name: /^Run it again/ }).waitFor(); // by itself: it has failed once more
    await page.context().close();
    const stranger = await stage().open(`/jobs/${subjectId}`);
    expect(await stranger.locator("main").innerText()).not.toContain(repo);
    await stranger.context().close();
    await stage().look("job-failed", `/jobs/${subjectId}`, { as: stage().ben });
    await stage().look("jobs-failed", "/jobs?mine=true&state=failed", { as: stage().ben });
  });

  test("who is not signed in is told that there is more, and comes back", async () => {
    const page = await stage().open("/jobs?kind=preview&mine=true");
    expect(await page.getByRole("link", { name: "only mine" }).count()).toBe(0);
    await expect
      .poll(() => page.locator("main").getByRole("link", { name: "Sign in" }).getAttribute("href"))
      .toBe("/sign-in?next=%2Fjobs%3Fkind%3Dpreview");
    await page.context().close();
  });

  test("looks right", async () => {
    // The newest may all be of what is private; the starter's own measurement is one that anybody may see.
    const path = "/pairs?finetune=guidepost/watercolor&guide=guidepost/guide-tiny";
    const { items } = must(200, await stage().ann.ask("GET", path)).body as { items: { id: string }[] };
    await stage().look("jobs", "/jobs");
    await stage().look("jobs-none", "/jobs?state=failed&kind=check");
    await stage().look("job", `/jobs/${items[0]!.id}`);
  });
};
