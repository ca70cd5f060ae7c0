import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { database } from "#lib/db/client.ts";
import { openBrowser } from "../support/chromium.ts";
import { drawnPictures, fillComparedPair } from "../support/compared-pair.ts";
import { fillPreviewHub } from "../support/previews.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { startWeb, type WebProcess } from "../support/web-process.ts";
import { Stage } from "./stage.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 }); // the first start builds the pages

// “Can you tell?” as somebody sees it who is not signed in, on a hub whose operator asks anybody.

const hub = await useTempHub({ GUIDEPOST_ANSWERS: "anybody" });
let web: WebProcess;
let stage: Stage;
let pair: string;

beforeAll(async () => {
  await fillPreviewHub();
  pair = await fillComparedPair(await drawnPictures());
  web = await startWeb(hub.variables);
  stage = new Stage(web.url, await openBrowser(), { ann: null!, ben: null! }, null);
});
afterAll(async () => {
  await stage?.browser.close();
  await web?.stop();
  await hub.close();
});

const answers = () => database().comparisonAnswer.count();

test("looks well, in light and dark, on a phone and a desk", async () => {
  await stage.look("tell", `/pairs/${pair}/tell`);
});

test("is answered without scripts, by the keyboard or a finger, once for each prompt; both halves are of one file", async () => {
  const plain = await stage.open(`/pairs/${pair}/tell`, { scripts: false, width: 390 });
  const pictures = plain.getByRole("img", { name: /^Picture [AB] of two/ });
  const sources = await pictures.evaluateAll((all) => (all as HTMLImageElement[]).map(({ src }) => src));
  expect(sources).toHaveLength(2);
  expect(new Set(sources).size).toBe(1);
  await plain.getByRole("button", { name: "No difference" }).click();
  await plain.waitForURL(/\?said=neither$/);
  await expect.poll(() => plain.getByRole("status").first().innerText()).toBe("Kept: no difference. Question 2 of 8.");
  expect(await answers()).toBe(1);
  await plain.context().close();

  const page = await stage.open(`/pairs/${pair}/tell`);
  for (const [i, [key, said]] of (
    [
      ["1", "first"],
      ["2", "second"],
      ["0", "neither"],
    ] as const
  ).entries()) {
    // What listens comes a moment after the page, and hears one key: the answer is kept before another page can come.
    await expect
      .poll(async () => {
        if ((await answers()) === 1 + i) await page.keyboard.press(key);
        return answers();
      })
      .toBe(2 + i);
    await page.waitForURL(new RegExp(`said=${said}$`));
  }
  await page.getByText("Question 5 of 8.").waitFor();
  for (let left = 4; left > 0; left--) {
    await page.getByRole("button", { name: "A follows it better" }).click();
    await expect.poll(answers).toBe(8 - left + 1);
    if (left > 1) await page.getByText(`Question ${8 - left + 2} of 8.`).waitFor();
  }
  await page.getByText("You have looked at all pictures of this pair. Thank you for 8 answers.").waitFor();
  await page.getByText("8 of 30 answers.").waitFor();
  await page.context().close();
});

test("what people said stands on the page of the pair, from thirty answers on, as theirs", async () => {
  const row = (await database().comparisonAnswer.findFirstOrThrow())!;
  const more = Array.from({ length: 24 }, (_, i) => ({
    pairId: pair,
    promptSha256: row.promptSha256,
    addressKey: i.toString(16).padStart(64, "0"),
    guideWasFirst: true,
    preferred: i < 15 ? ("guide" as const) : ("cfg" as const),
  }));
  await database().comparisonAnswer.createMany({ data: more });
  await stage.look("pair-tell", `/pairs/${pair}`);
  const page = await stage.open(`/pairs/${pair}`);
  const section = page.getByRole("region", { name: /^Can you tell\? — people's answers, no part of the verdict$/ });
  expect(await section.innerText()).toMatch(/People, in 32 answers, .*\n[^]*n = \d+/);
  await section.getByRole("link", { name: "Look, and say which" }).click();
  await page.waitForURL(/\/tell$/);
  await page.context().close();
});
