import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import type { PairItem, PairView, Partner } from "#lib/catalog/pairs/schema.ts";
import type { Sheet } from "#lib/catalog/sheets/schema.ts";
import { inEmbeddedDatabase } from "../support/embedded-database.ts";
import { eventually, must } from "../support/hub-member.ts";
import { MEASURED_WITHIN, type Story } from "./stories.ts";

const MODEL = "guidepost/watercolor";
const GUIDE = "guidepost/guide-tiny";

/** The page of a pair: of one that the hub measured, then of one of ann's own through all its states. */
export const pair: Story = (stage) => {
  const pairOf = async (id: string, raw = false): Promise<PairView> =>
    must(200, await stage().ann.ask("GET", `/pairs/${id}${raw ? "?raw=true" : ""}`)).body as PairView;
  const sheetOf = async (id: string): Promise<Sheet> =>
    must(200, await stage().ann.ask("GET", `/pairs/${id}/sheet`)).body as Sheet;
  /** The newest measurement of the starter's pair that ended well, with its sheet drawn. */
  const drawn = (): Promise<PairView> =>
    eventually(
      "the pair measured and its sheet drawn",
      async () => {
        const { items } = must(200, await stage().ann.ask("GET", `/pairs?finetune=${MODEL}&guide=${GUIDE}`)).body as {
          items: PairItem[];
        };
        const item = items.find(({ measuredAt }) => measuredAt !== null)!;
        const { done, total } = await sheetOf(item.id);
        return { view: await pairOf(item.id), isWhole: total === 8 && done === total };
      },
      ({ isWhole }) => isWhole,
      MEASURED_WITHIN,
    ).then(({ view }) => view);

  let private_ = { repo: "", id: "" };

  test("says in one sentence what a beginner wants to know, in the numbers of the API", async () => {
    const view = await drawn();
    const page = await stage().open(`/pairs/${view.id}`);
    const sentence = await page.locator("[data-sentence]").innerText();
    const { value, low, high, n } = view.recovered!;
    const percent = (share: number): string => `${Math.round(100 * share)}%`;
    expect(sentence).toContain(
      `it recovers ${percent(value)} of what CFG adds to prompt fidelity (between ${percent(low)} and ${percent(high)}, measured on ${n} prompts`,
    );
    expect(sentence).toMatch(/^On watercolor this guide .*, at half the work: /);
    expect(sentence.includes("as well as CFG")).toBe(low >= 0.9);
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("guide-tiny on watercolor");
    expect(await page.locator("header p").filter({ hasText: "R =" }).innerText()).toMatch(
      new RegExp(
        `(?:verified|usable with limits)[^]*R = ${value.toFixed(2)}\\s+between\\s+\\[${low.toFixed(2)}, ${high.toFixed(2)}\\] n = ${n}`,
      ),
    );
    expect(
      new URL((await page.getByRole("link", { name: "Preview this pair" }).getAttribute("href"))!, stage().url).search,
    ).toBe(`?finetune=${MODEL}&guide=${GUIDE}`);
    await page.context().close();
  });

  test("shows every number with its interval and n, drawn and as a table, to copy and to download", async () => {
    const view = await drawn();
    const page = await stage().open(`/pairs/${view.id}`, { scripts: false });
    const { fidelity, agreement } = view.measured!;
    const chart = page.getByRole("img", { name: "What a prompt asks for, and pictures show" });
    expect(await chart.locator("desc").textContent()).toContain(
      `guide ${fidelity!.guide.value.toFixed(2)}, between ${fidelity!.guide.low.toFixed(2)} and ${fidelity!.guide.high.toFixed(2)}`,
    );
    expect(await page.getByRole("img", { name: /by timestep$|by guidance$/ }).count()).toBe(6);

    const figure = page
      .locator("figure")
      .filter({ has: page.getByRole("img", { name: "Guidance delivered, by timestep" }) });
    await figure.getByText("Show data").click();
    await expect.poll(() => figure.getByRole("row").count()).toBe(1 + agreement!.byTimestep.length);
    const rows = await figure.getByRole("row").allInnerTexts();
    const { timestep, delivered } = agreement!.byTimestep[0]!;
    const cells = [
      String(timestep),
      ...[delivered.value, delivered.low, delivered.high].map((each) => each.toFixed(2)),
      String(delivered.n),
    ];
    expect(rows[1]!.split(/\s+/)).toEqual(cells);
    const link = figure.getByRole("link", { name: /^Download as CSV/ });
    const file = page.waitForEvent("download");
    await link.click();
    expect((await readFile(await (await file).path(), "utf8")).split("\r\n").slice(0, 2)).toEqual([
      "timestep,share delivered,low,high,n",
      cells.join(","),
    ]);
    await page.context().close();
  });

  test("has a sheet of eight seeds in three modes; a seed is looked at closely, by keyboard", async () => {
    const view = await drawn();
    const { rows, timings } = await sheetOf(view.id);
    const page = await stage().open(`/pairs/${view.id}`);
    const sheet = page.getByRole("region", { name: "Contact sheet" });
    const images = sheet.getByRole("img");
    await expect.poll(() => images.count()).toBe(24);
    await images.first().scrollIntoViewIfNeeded();
    await expect
      .poll(() => images.evaluateAll((all) => all.map((image) => (image as HTMLImageElement).naturalWidth)))
      .toEqual(Array.from({ length: 24 }, () => 128));
    expect(await sheet.getByRole("rowheader").allInnerTexts()).toEqual([
      expect.stringContaining("no guidance"),
      expect.stringContaining("guide"),
      expect.stringContaining("CFG"),
    ]);
    const third = rows[2]!;
    expect(
      await sheet
        .getByRole("img", { name: `guide: ${third.prompt}, seed ${third.seed}` })
        .evaluate((image) => image.closest("a")!.getAttribute("href")),
    ).toBe(`/previews/${third.preview}`);

    await sheet.getByRole("link", { name: `Compare seed ${third.seed}` }).click();
    await page.waitForURL(new RegExp(`\\?seed=${third.seed}#see$`));
    await page.getByText(`“${third.prompt}”`).waitFor();
    const divider = page.getByRole("slider", { name: /^Divider: CFG on the left, guide on the right$/ });
    await divider.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => divider.getAttribute("aria-valuetext")).toBe("51% CFG");

    const cost = page.getByRole("region", { name: "Cost of one picture" }).getByRole("row");
    const { guide } = timings!;
    expect(await cost.nth(2).innerText()).toMatch(
      new RegExp(
        `guide\\s+20\\s+5\\.90 G\\s+50\\.5%\\s+${guide.seconds.toFixed(2)} s\\s+${guide.low.toFixed(2)}–${guide.high.toFixed(2)} s\\s+8$`,
      ),
    );
    await page.context().close();
  });

  test("says how it was measured: of which bytes, on what, when; and gives the value of every prompt", async () => {
    const view = await drawn();
    const page = await stage().open(`/pairs/${view.id}`);
    const method = page.getByRole("region", { name: "How it was measured" });
    const said = await method.innerText();
    const { evaluatorSha256, files } = view.measured!;
    for (const part of [
      view.protocol,
      view.measurements[0]!.machine,
      "onnxruntime",
      evaluatorSha256!.slice(0, 12),
      ...files.map(({ sha256 }) => sha256.slice(0, 12)),
      "ddim, 20 steps, guidance 5",
      `${view.n} prompts`,
    ])
      expect(said).toContain(part);
    const [answer] = await Promise.all([
      page.waitForResponse(/raw=true/),
      page.getByRole("link", { name: "Raw JSON" }).click(),
    ]);
    expect(answer.status()).toBe(200);
    const raw = (await answer.json()) as PairView;
    expect(raw.recovered).toEqual(view.recovered);
    expect(raw.measurements.every((level) => level.raw !== undefined)).toBe(true);
    await page.context().close();
  });

  test("what else its passes buy stands in a plot, a list and a table, from one run", async ({ skip }) => {
    const { folder } = stage();
    if (folder === null) return skip("only on a hub of its own");
    const { id } = await drawn();
    const found = await readFile(new URL("../support/curve-of-watercolor.json", import.meta.url), "utf8");
    await inEmbeddedDatabase(folder, async (client) => {
      await client.query(
        `INSERT INTO study (id, pair_id, kind, state, attempt, result, measured_at) VALUES (gen_random_uuid(), $1, 'curve', 'succeeded', 1, $2, now())
         ON CONFLICT (pair_id, kind) DO UPDATE SET state = EXCLUDED.state, result = EXCLUDED.result, measured_at = now()`,
        [id, found],
      );
    });
    const page = await stage().open(`/pairs/${id}`, { scripts: false });
    const section = page.getByRole("region", { name: "Why not simply fewer steps?" });
    await section.getByRole("img", { name: "Prompt fidelity against passes through the base" }).waitFor();
    const { points } = JSON.parse(found) as { points: { passes: number; fidelity: { value: number } }[] };
    expect(await section.getByRole("listitem").count()).toBe(points.length);
    await section.getByText("Show data").first().click();
    const rows = section.locator("figure").getByRole("row");
    await expect.poll(() => rows.count()).toBe(1 + points.length);
    for (const [i, { passes, fidelity }] of points.entries())
      expect(await rows.nth(i + 1).innerText()).toMatch(new RegExp(`\\s${passes}\\s+${fidelity.value.toFixed(3)}\\s`));
    await page.context().close();
    await stage().look("pair-ways", `/pairs/${id}#ways`);
  });

  test("lists what was measured, by verdict, and leads there", async () => {
    const { verdict } = await drawn();
    const [word, mark] = verdict === "verified" ? ["verified", "✓"] : ["usable with limits", "◐"];
    const page = await stage().open("/pairs");
    await page.getByRole("navigation", { name: "By verdict" }).getByRole("link", { name: word!, exact: true }).click();
    await page.waitForURL(`**/pairs?verdict=${verdict}`);
    const isOfVerdict = new RegExp(`${mark}\\s*${word}[^]*\\d\\.\\d\\d[^]*\\[-?\\d\\.\\d\\d, \\d\\.\\d\\d\\] n = \\d+`);
    const rows = page.getByRole("row").filter({ has: page.locator("td") });
    await rows.filter({ hasText: isOfVerdict }).first().waitFor();
    await expect.poll(async () => (await rows.allInnerTexts()).filter((row) => !isOfVerdict.test(row))).toEqual([]);
    await page
      .getByRole("link", { name: `${GUIDE} on ${MODEL}` })
      .first()
      .click();
    await page.waitForURL(/\/pairs\/[0-9a-f-]{36}$/);
    await page.context().close();
  });

  test("stops a measurement that waits or runs, before any script has come, and begins it again", async () => {
    const { ann } = stage();
    const repo = await ann.newRepo(`meadow-${randomInt(1e9)}`);
    private_ = { repo, id: "" };
    must(
      201,
      await ann.commit(repo, [
        {
          op: "add",
          path: "meadow.safetensors",
          upload: await ann.verified(repo, "meadow.safetensors", await ownWeights()),
        },
      ]),
    );
    await eventually(
      "the inspection",
      async () => (await ann.ask("GET", `/repos/${repo}/inspection`)).body as InspectionView,
      ({ state }) => state === "succeeded",
    );
    const guides = await eventually(
      "both guides asked for",
      async () => (await ann.ask("GET", `/repos/${repo}/guides`)).body.items as Partner[],
      (items) => items.length === 2 && items.every(({ pair: id }) => id !== null),
    );
    const id = guides.find((each) => each.repo === GUIDE)!.pair!;
    private_ = { repo, id };
    must(200, await ann.ask("POST", `/pairs/${guides.find((each) => each.repo !== GUIDE)!.pair!}/cancel`)); // the other one would only take time

    const page = await stage().open(`/pairs/${id}`, { as: ann, scripts: false });
    expect(await page.locator("[data-sentence]").innerText()).toMatch(
      /^Nobody knows yet whether this guide works on meadow-\d+: it is (being measured now|waiting to be measured)\.$/,
    );
    await page.getByRole("button", { name: "Cancel measuring" }).click();
    await page.getByText("was cancelled, so nothing is known of it yet.").waitFor();
    expect((await pairOf(id)).state).toBe("cancelled");

    await page.getByRole("button", { name: "Measure again" }).click();
    await page
      .getByRole("status")
      .filter({ hasText: /before it|next in the queue|about to begin|has begun|Now / })
      .waitFor();
    await page.waitForURL(({ pathname }) => pathname === `/pairs/${id}`);
    expect(["queued", "running", "succeeded"]).toContain((await pairOf(id)).state);
    await ann.ask("POST", `/pairs/${id}/cancel`);
    await page.context().close();
  });

  test("looks right while it is measured", async () => {
    const { repo } = private_;
    const { id } = (await stage().ann.ask("POST", "/pairs", { finetune: repo, guide: GUIDE })).body as PairView; // minutes, for the fastest machine
    private_ = { repo, id };
    await stage().look("pair-moving", `/pairs/${private_.id}`, { as: stage().ann });
  });

  test("follows a measurement as it goes on, and a second cancel says that there is nothing left to cancel", async () => {
    const { id } = private_;
    const page = await stage().open(`/pairs/${id}`, { as: stage().ann });
    const second = await stage().open(`/pairs/${id}`, { as: stage().ann, scripts: false }); // does not notice
    await page.getByRole("button", { name: "Cancel measuring" }).click();
    await page.getByText("was cancelled, so nothing is known of it yet.").waitFor();
    await second.getByRole("button", { name: "Cancel measuring" }).click();
    await second
      .getByRole("alert")
      .filter({ hasText: /^This measurement has ended; there is nothing to cancel\.$/ })
      .waitFor();
    await Promise.all([page.context().close(), second.context().close()]);
  });

  test("a button of another site measures nothing; nobody is sent to sign in", async () => {
    const fields = {
      method: "POST",
      body: new URLSearchParams({ finetune: MODEL, guide: GUIDE }),
      redirect: "manual",
    } as const;
    expect(
      (await fetch(`${stage().url}/pairs/measure`, { ...fields, headers: { origin: "https://example.org" } })).status,
    ).toBe(403);
    const anonymous = await fetch(`${stage().url}/pairs/measure`, { ...fields, headers: { origin: stage().url } });
    expect([anonymous.status, anonymous.headers.get("location")]).toEqual([
      303,
      `/sign-in?next=${encodeURIComponent(`/${MODEL}`)}`,
    ]);
    const page = await stage().open(`/pairs/${(await drawn()).id}`);
    expect(await page.locator("main form").count()).toBe(0);
    // While the plan goes on there is nothing to ask for.
    for (const link of await page.getByRole("link", { name: /^Sign in to (measure|go on)/ }).all())
      expect(await link.getAttribute("href")).toMatch(/^\/sign-in\?next=\/pairs\//);
    await page.context().close();
  });

  test("somebody else's private pair is not there", async () => {
    for (const as of [stage().ben, null]) {
      const context = await stage().context({ as });
      const answer = await (await context.newPage()).goto(`${stage().url}/pairs/${private_.id}`);
      expect(answer!.status()).toBe(404);
      expect(await answer!.text()).not.toContain(private_.repo);
      await context.close();
    }
    expect((await fetch(`${stage().url}/pairs/nonsense`)).status).toBe(404);
  });

  test("looks right", async () => {
    const { id } = await drawn();
    await stage().look("pair", `/pairs/${id}?seed=7`);
    await stage().look("pairs", "/pairs");
  });

  test("looks right where it was cancelled, and where there is nothing of a verdict", async () => {
    await stage().look("pair-cancelled", `/pairs/${private_.id}`, { as: stage().ann });
    await stage().look("pairs-none", "/pairs?verdict=incompatible");
    must(204, await stage().ann.ask("DELETE", `/repos/${private_.repo}`));
  });
};

/** A model that nobody has measured: the last bits of some weights of a starter's are drawn by lot. */
async function ownWeights(): Promise<Buffer> {
  const file = await readFile(fileURLToPath(new URL("../../starter/pixel-lora/pixel.safetensors", import.meta.url)));
  const data = 8 + Number(file.readBigUInt64LE());
  for (let at = data; at < data + 256; at += 4) if (randomInt(2) === 1) file[at]! ^= 1;
  return file;
}
