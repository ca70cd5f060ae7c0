import { readFile } from "node:fs/promises";
import type { Locator, Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import type { Matrix, Partner } from "#lib/catalog/pairs/schema.ts";
import type { RepoList } from "#lib/catalog/repos/schema.ts";
import { starter } from "../support/golden.ts";
import { eventually, HubMember, must, retouched } from "../support/hub-member.ts";
import { pressUntil } from "./stage.ts";
import { MEASURED_WITHIN, type Story } from "./stories.ts";

const BASE = "guidepost/storybook";
const GUIDE = "guidepost/guide-tiny";
const LONG = `a-name-of-ninety-six-characters-that-nobody-would-choose-and-somebody-will-one-day-${"x".repeat(13)}`;

/** Of this run: the hub may have been used before. */
const TAG = `browse-${Date.now().toString(36)}`;
const MANY = 34;

export const browse: Story = (stage) => {
  const made: { readonly owner: HubMember; readonly fullName: string }[] = [];
  /** Listed, since something was committed to it. */
  const make = async (owner: HubMember, name: string, more: Parameters<HubMember["newRepo"]>[1]): Promise<string> => {
    const fullName = await owner.newRepo(name, more);
    must(201, await owner.commit(fullName, [{ op: "add", path: "notes.txt", content: name }]));
    made.push({ owner, fullName });
    return fullName;
  };
  afterAll(() => Promise.all(made.map(({ owner, fullName }) => owner.ask("DELETE", `/repos/${fullName}`))));

  /** More repos than a page shows, all with one tag: bases and fine-tunes of them under two licences, one with the longest name. */
  let ours: Promise<unknown> | undefined;
  const haveMany = (): Promise<unknown> =>
    (ours ??= Promise.all(
      Array.from({ length: MANY }, async (_, n) => {
        const name = n === 0 ? `${LONG.slice(0, 96 - TAG.length)}${TAG}` : `${TAG}-${n}`;
        await make(stage().ben, name, {
          visibility: "public",
          kind: n % 4 === 1 ? "guide" : "finetune",
          base: BASE,
          license: n % 2 === 0 ? "mit" : "cc-by-4.0",
          tags: [TAG],
          summary: `Number ${n} of a family that is here to be counted; its summary goes on over two lines and is then cut, wherever that may be.`,
        });
      }),
    ));

  let organisation: Promise<string> | undefined;
  const haveOrganisation = (): Promise<string> =>
    (organisation ??= (async () => {
      must(201, await stage().ben.asBrowser("POST", "/namespaces", { name: `org-${TAG}`, displayName: "A workshop" }));
      return `org-${TAG}`;
    })());

  const get = async <T>(path: string): Promise<T> => must(200, await stage().ann.ask("GET", path)).body as T;
  const filters = (page: Page): Locator => page.getByRole("navigation", { name: "Filters" }).filter({ visible: true });
  const cards = (page: Page): Locator => page.locator("article[data-row]");
  const found = async (page: Page): Promise<number> =>
    Number(/^([\d,]+) repos?/.exec(await page.locator("#found").innerText())![1]!.replaceAll(",", ""));
  const countOf = async (link: Locator): Promise<number> =>
    Number((await link.innerText()).match(/[\d,]+$/)![0].replaceAll(",", ""));

  test("looks right: everything", () => stage().look("browse", "/browse"));

  test("a count beside a filter is what choosing it lists, alone and with others; each can be taken away again", async () => {
    await haveMany();
    const page = await stage().open(`/browse?tag=${TAG}`);
    await expect.poll(() => found(page)).toBe(MANY);
    for (const [name, query] of [
      [/^Guides/, "kind=guide"],
      [/^mit/, "license=mit"],
      [/^not measured/, "measured=notMeasured"],
      [/^guidepost\/storybook/, "base=guidepost%2Fstorybook"],
    ] as const) {
      const link = filters(page).getByRole("link", { name });
      const count = await countOf(link);
      await link.click();
      await page.waitForURL((url) => url.search.includes(query) && url.search.includes(TAG));
      await expect
        .poll(async () => ({ query, found: await found(page), cards: await cards(page).count() }))
        .toEqual({ query, found: count, cards: Math.min(30, count) });
      await page
        .getByRole("list", { name: "Chosen" })
        .getByRole("link", { name: /^Without/ })
        .filter({ hasNotText: TAG })
        .click();
      await page.waitForURL((url) => !url.search.includes(query));
      await expect.poll(() => found(page)).toBe(MANY);
    }
    await expect.poll(() => countOf(filters(page).getByRole("link", { name: /^Guides/ }))).toBe(9); // 1, 5 … 33
    await filters(page)
      .getByRole("link", { name: /^cc-by-4\.0/ })
      .click();
    await page.waitForURL(/license=cc-by-4\.0/);
    await expect.poll(() => found(page)).toBe(MANY - 17);
    expect(await countOf(filters(page).getByRole("link", { name: /^Guides/ }))).toBe(9); // all guides are of odd numbers
    expect(await countOf(filters(page).getByRole("link", { name: /^mit/ }))).toBe(17); // a facet counts as if nothing were chosen from it
    await page.context().close();
  });

  test("words keep the filters, an order keeps both, and the address brings anybody the same list", async () => {
    await haveMany();
    const page = await stage().open(`/browse?tag=${TAG}&license=mit`);
    await page.getByLabel("Words in the name, the summary or the tags").fill(`${TAG} counted`);
    await page.getByLabel("Sort by").selectOption("name");
    await page.getByRole("button", { name: "Search" }).click();
    await page.waitForURL(({ search }) => search.includes("sort=name") && search.includes("counted"));
    const namesOn = (of: Page): Promise<string[]> => cards(of).getByRole("heading").allInnerTexts();
    await expect
      .poll(async () => {
        const names = await namesOn(page);
        return { count: names.length, isSorted: names.join() === names.toSorted().join() };
      })
      .toEqual({ count: 17, isSorted: true });
    const names = await namesOn(page);
    const other = await stage().open(new URL(page.url()).pathname + new URL(page.url()).search, { width: 390 });
    await expect.poll(() => namesOn(other)).toEqual(names);
    await Promise.all([page, other].map((each) => each.context().close()));
  });

  test("before any script has come: filters, words, order and the next page; only one page is made", async () => {
    await haveMany();
    const page = await stage().open(`/browse?tag=${TAG}&sort=name`, { scripts: false });
    const first = await cards(page).getByRole("heading").allInnerTexts();
    expect(first).toHaveLength(30);
    await page.getByRole("link", { name: "More repos" }).click();
    await page.waitForURL(/cursor=/);
    const second = await cards(page).getByRole("heading").allInnerTexts();
    expect(new Set([...first, ...second]).size).toBe(MANY);
    expect([...first, ...second]).toEqual([...first, ...second].toSorted());
    await page.getByRole("link", { name: "Back to the start" }).click();
    await page.waitForURL((url) => !url.search.includes("cursor="));
    expect(await cards(page).getByRole("heading").allInnerTexts()).toEqual(first);
    await filters(page)
      .getByRole("link", { name: /^Guides/ })
      .click();
    await page.waitForURL(/kind=guide/);
    expect(await cards(page).count()).toBe(9);
    await page.getByLabel("Words in the name, the summary or the tags").fill("no such words");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Nothing here answers to “no such words”").waitFor();
    await page.getByRole("link", { name: "See everything" }).click();
    await page.waitForURL(`${stage().url}/browse`);
    await page.context().close();
  });

  test("on a phone the filters wait behind a word; j and k walk through the cards; a cursor that somebody typed begins the list anew", async () => {
    await haveMany();
    const phone = await stage().open(`/browse?tag=${TAG}`, { width: 390 });
    expect(await filters(phone).count()).toBe(0);
    await phone.getByText("Filters", { exact: true }).click();
    await filters(phone)
      .getByRole("link", { name: /^Guides/ })
      .click();
    await phone.waitForURL(/kind=guide/);
    await expect.poll(() => found(phone)).toBe(9);
    const page = await stage().open(`/browse?tag=${TAG}&cursor=nonsense`);
    expect(await cards(page).count()).toBe(30);
    await pressUntil(page, "j", () => page.evaluate(() => document.activeElement?.closest("[data-row]") != null));
    await page.keyboard.press("j");
    await expect
      .poll(() =>
        page.evaluate(() =>
          [...document.querySelectorAll("[data-row]")].findIndex((row) => row.contains(document.activeElement)),
        ),
      )
      .toBe(1);
    await Promise.all([phone, page].map((each) => each.context().close()));
  });

  test("a name leads to what is behind it, by kind; nobody and nothing say so", async () => {
    const page = await stage().open("/guidepost");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Starter collection");
    const section = page.getByRole("region", { name: /^Guides/ });
    const { facets } = await get<RepoList>("/repos?owner=guidepost&facets=true");
    const guides = facets!.kind.find(({ value }) => value === "guide")!.count;
    expect(await section.locator("article").count()).toBe(guides);
    expect(await section.getByRole("heading", { level: 2 }).innerText()).toBe(`Guides ${guides}`);
    const gone = await page.goto(`${stage().url}/nobody-of-that-name`);
    expect(gone!.status()).toBe(404);

    const organisation = await haveOrganisation();
    const mine = await stage().open(`/${organisation}`, { as: stage().ben });
    await expect
      .poll(() => mine.locator("main").innerText())
      .toMatch(/an organisation[^]*you are its owner[^]*Members: ben \(owner\)[^]*You have nothing here yet/);
    await mine.getByRole("link", { name: "Upload a model or a guide" }).click();
    await mine.waitForURL(/\/upload$/);
    const strangers = await stage().open(`/${organisation}`);
    await strangers.getByText("Nothing here that you may see").waitFor();
    expect(await strangers.locator("main").innerText()).not.toContain("Members");
    await Promise.all([page, mine, strangers].map((each) => each.context().close()));
  });

  const table = (): Promise<Matrix> => get(`/repos/${BASE}/matrix?limit=100`);

  test("a base's fine-tunes and guides as a table: a cell leads to its evidence, j and k go down, CSV and JSON hold the same", async () => {
    const { guides, items } = await eventually(
      "a pair measured",
      table,
      (seen) => seen.items.some(({ cells }) => cells.some(({ recovered }) => recovered !== null)),
      MEASURED_WITHIN,
    );
    const browsing = await stage().open(`/browse?base=${BASE}`);
    await browsing.getByRole("link", { name: /against each other/ }).click();
    await browsing.waitForURL(/\/matrix\?base=/);
    const page = browsing;
    const shown = items.filter(({ repo }) => repo.startsWith("guidepost/"));
    const row = items.find(({ cells }) => cells.some(({ recovered }) => recovered !== null))!;
    const at = row.cells.findIndex(({ recovered }) => recovered !== null);
    const { pair, recovered } = row.cells[at]!;
    await expect.poll(() => page.getByRole("rowheader").filter({ hasText: "guidepost/" }).count()).toBe(shown.length);
    const cell = page
      .getByRole("row")
      .filter({ has: page.locator(`a[href="/${row.repo}"]`) })
      .getByRole("cell")
      .nth(at);
    await expect.poll(() => cell.innerText()).toContain(`${recovered!.value.toFixed(2)} `);
    expect(await cell.innerText()).toContain(
      `[${recovered!.low.toFixed(2)}, ${recovered!.high.toFixed(2)}] n = ${recovered!.n}`,
    );
    const first = `/${items[0]!.repo}`;
    await pressUntil(page, "j", () =>
      page.evaluate((href) => document.activeElement?.getAttribute("href") === href, first),
    );

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "All as CSV" }).click(),
    ]);
    const lines = (await readFile((await download.path())!, "utf8")).trim().split("\r\n");
    expect(lines.filter((line) => line.startsWith("guidepost/"))).toHaveLength(shown.length * guides.length);
    expect(lines.find((line) => line.startsWith(`${row.repo},${guides[at]!.repo},`))).toContain(
      `,${recovered!.value},${recovered!.low},${recovered!.high},${recovered!.n},`,
    );
    expect(await page.getByRole("link", { name: "JSON" }).getAttribute("href")).toBe(
      `/api/v1/repos/${BASE}/matrix?limit=100`,
    );
    await cell.getByRole("link").click();
    await page.waitForURL(`${stage().url}/pairs/${pair}`);
    await page.context().close();
  });

  test("where nothing was measured the cell has the button that measures it, before scripts have come; a stranger signs in first", async () => {
    const { ben } = stage();
    const fullName = await make(ben, `open-${TAG}`, { visibility: "public", base: BASE });
    const upload = await ben.verified(
      fullName,
      "neon.safetensors",
      retouched(await readFile(starter("neon-lora/neon.safetensors"))),
    );
    must(201, await ben.commit(fullName, [{ op: "add", path: "neon.safetensors", upload }]));
    const guides = async (): Promise<Partner[]> => (await get<{ items: Partner[] }>(`/repos/${fullName}/guides`)).items;
    const cancel = async (): Promise<void> => {
      for (const { pair, state } of await eventually(
        "its pairs",
        guides,
        (all) => all.length >= 2 && all.every((one) => one.pair !== null),
      ))
        if (state === "queued" || state === "running") await ben.ask("POST", `/pairs/${pair}/cancel`);
      await eventually("nothing measured", guides, (all) => all.every(({ state }) => state === "cancelled"));
    };
    await cancel();
    const button = (page: Page): Locator =>
      page.getByRole("button", { name: `Measure it with ${GUIDE} on ${fullName}` });
    const stranger = await stage().open(`/matrix?base=${BASE}`, { scripts: false });
    await button(stranger).click();
    await stranger.waitForURL(/\/sign-in\?next=/);
    const page = await stage().open(`/matrix?base=${BASE}`, { as: ben, scripts: false, width: 390 });
    await button(page).click();
    await page.waitForURL(/\/pairs\/[0-9a-f-]{36}$/);
    expect((await guides()).find(({ repo }) => repo === GUIDE)!.state).toMatch(/queued|running/);
    await page.goto(`${stage().url}/matrix?base=${BASE}`);
    expect(
      await page
        .getByRole("row")
        .filter({ has: page.locator(`a[href="/${fullName}"]`) })
        .innerText(),
    ).toMatch(/waiting to be measured|being measured/);
    await cancel();
    await Promise.all([stranger, page].map((each) => each.context().close()));
  });

  test("a table of what is no base, or from nowhere, says what to do", async () => {
    const page = await stage().open(`/matrix?base=${GUIDE}`);
    await page.getByText("is no base").waitFor();
    await page.goto(`${stage().url}/matrix?base=${BASE}&cursor=nonsense`);
    await page.getByRole("link", { name: "To its start" }).click();
    await page.getByRole("table").waitFor();
    expect((await page.goto(`${stage().url}/matrix?base=nobody/nothing`))!.status()).toBe(404);
    await page.context().close();
  });

  test("looks right: chosen, with long names", async () => {
    await haveMany();
    await stage().look("browse-chosen", `/browse?tag=${TAG}&base=${BASE}&kind=finetune&sort=name`, {}, async (page) => {
      const summary = page.locator("summary", { hasText: "Filters" }).filter({ visible: true });
      if ((await summary.count()) > 0) await summary.click();
    });
  });
  test("looks right: nothing", () => stage().look("browse-nothing", "/browse?q=nothing+is+called+that&kind=guide"));
  test("looks right: a name", () => stage().look("namespace", "/guidepost"));
  test("looks right: a name with nothing, and with much", async () => {
    await haveMany();
    await stage().look("namespace-much", "/ben", { as: stage().ben });
    await stage().look("namespace-empty", `/${await haveOrganisation()}`, { as: stage().ben });
  });
  test("looks right: a table", () => stage().look("matrix", `/matrix?base=${BASE}`));

  test("a name that is not here leads to those that are like it, and to the file itself", async () => {
    const page = await stage().open("/browse?kind=finetune&q=pencl");
    await page.getByText("Nothing here answers to “pencl”").waitFor();
    await page.getByRole("link", { name: "Drop your model’s file" }).waitFor();
    await page.getByRole("link", { name: "guidepost/pencil" }).click();
    await page.waitForURL(`${stage().url}/guidepost/pencil`);
    await page.context().close();
  });

  test("a card says the best that was measured of a model, with its interval", async () => {
    const best = async (): Promise<Partner | undefined> =>
      (await get<{ items: Partner[] }>("/repos/guidepost/watercolor/guides")).items.find(
        ({ recovered }) => recovered !== null,
      );
    await eventually("watercolor measured", best, (one) => one !== undefined, MEASURED_WITHIN);
    const page = await stage().open("/browse?q=watercolor");
    const card = cards(page).filter({ has: page.locator('a[href="/guidepost/watercolor"]') });
    await expect
      .poll(
        async () => {
          await page.reload();
          return card.innerText();
        },
        { timeout: MEASURED_WITHIN * 1000, interval: 2000 },
      )
      .toMatch(/with guide-\w+\s+R\s+-?\d\.\d\d\s+between\s+\[-?\d\.\d\d, -?\d\.\d\d\]\s+n = \d+/);
    await page.context().close();
  });

  test("cards show what the hub drew, of the same prompts for all", async () => {
    const measured = async (): Promise<string[]> =>
      (await table()).items.flatMap(({ repo, kind, cells }) =>
        kind === "finetune" && repo.startsWith("guidepost/") && cells.some(({ recovered }) => recovered !== null)
          ? [repo]
          : [],
      );
    const [one, other] = await eventually(
      "two fine-tunes measured",
      measured,
      (models) => models.length >= 2,
      MEASURED_WITHIN,
    );
    const page = await stage().open("/browse?owner=guidepost&kind=finetune");
    const drawn = (model: string): Promise<string[]> =>
      cards(page)
        .filter({ has: page.locator(`a[href="/${model}"]`) })
        .locator("img")
        .evaluateAll((all) => all.map((image) => (image as HTMLImageElement).alt));
    await expect
      .poll(
        async () => {
          await page.reload();
          return [(await drawn(one!)).length, (await drawn(other!)).length];
        },
        { timeout: MEASURED_WITHIN * 1000, interval: 2000 },
      )
      .toEqual([4, 4]);
    expect(await drawn(one!)).toEqual(await drawn(other!));
    await page.context().close();
  });
};
