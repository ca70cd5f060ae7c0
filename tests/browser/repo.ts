import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import type { TreeEntry } from "#lib/catalog/files/schema.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import type { NewRepo } from "#lib/catalog/repos/schema.ts";
import type { Partner } from "#lib/catalog/pairs/schema.ts";
import { starter } from "../support/golden.ts";
import { eventually, type HubMember, must, retouched } from "../support/hub-member.ts";
import { wasSaid } from "./stage.ts";
import { MEASURED_WITHIN, type Story } from "./stories.ts";
import { wordOf } from "../../app/_ui/verdict.tsx";

const MODEL = "guidepost/watercolor";
const GUIDE = "guidepost/guide-tiny";
const BASE = "guidepost/storybook";
const LONG = `long-${"name-".repeat(18)}x`.padEnd(96, "y"); // as long as a name may be

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const shell = promisify(execFile);

/** The pages of a repo, told in order: first what needs nothing measured, so that a fresh hub gets on meanwhile. */
export const repo: Story = (stage) => {
  const made = new Map<string, HubMember>();
  const own = async (name: string, more: Partial<NewRepo> = {}, owner = stage().ben): Promise<string> => {
    const fullName = await owner.newRepo(name, more);
    made.set(fullName, owner);
    return fullName;
  };
  afterAll(async () => {
    for (const [fullName, owner] of made) await owner.ask("DELETE", `/repos/${fullName}`);
  });

  const get = async <T>(path: string): Promise<T> => must(200, await stage().ben.ask("GET", path)).body as T;
  const inspected = (fullName: string): Promise<InspectionView> =>
    eventually(
      `${fullName} read`,
      () => get<InspectionView>(`/repos/${fullName}/inspection`),
      ({ state }) => state === "succeeded" || state === "failed",
    );
  /** The pair of the starter collection that everything else here looks at, once it is measured and drawn. */
  const measured = async (): Promise<Partner> => {
    const { items } = await eventually(
      "the pair measured",
      () => get<{ items: Partner[] }>(`/repos/${MODEL}/guides`),
      (seen) => seen.items.some((one) => one.repo === GUIDE && ["verified", "usableWithLimits"].includes(one.verdict)),
      MEASURED_WITHIN,
    );
    const pair = items.find((one) => one.repo === GUIDE)!;
    await eventually(
      "its sheet",
      () => get<{ done: number }>(`/pairs/${pair.pair}/sheet`),
      ({ done }) => done >= 6,
    );
    return pair;
  };
  const rowOf = (page: Page, name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  const said = (page: Page, name: string): Promise<string> => page.getByLabel(name, { exact: true }).innerText();
  const clipboard = async (page: Page, button: string): Promise<string> => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const told = wasSaid(page, "Copied");
    await page.getByRole("button", { name: button, exact: true }).click();
    await told;
    return page.evaluate(() => navigator.clipboard.readText()); // it is there before it is said
  };
  /** What lines of a page do, typed into a shell in an empty folder. */
  const typed = async <T>(
    text: string,
    look: (folder: string) => Promise<T>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<T> => {
    const folder = await mkdtemp(join(tmpdir(), "guidepost-lines-"));
    try {
      await shell("sh", ["-c", text], { cwd: folder, env: { ...process.env, ...env } });
      return await look(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test("files: by folders to one of them, whose bytes come by the button and by the line that is shown; its sha256 is copied", async () => {
    const page = await stage().open(`/${MODEL}`);
    await page.getByRole("link", { name: /^Files/ }).click();
    await page.getByRole("link", { name: "unet/" }).click();
    await page.waitForURL(/\/tree\/main\/unet$/);
    const { items } = await get<{ items: TreeEntry[] }>(`/repos/${MODEL}/tree?path=unet`);
    const weights = items.find(({ path }) => path.endsWith(".safetensors"))!;
    await expect
      .poll(() => rowOf(page, "diffusion_pytorch_model.safetensors").innerText())
      .toMatch(/MB\s+[0-9a-f]{12}[^]*ago|just now/);
    await page.getByRole("link", { name: "diffusion_pytorch_model.safetensors", exact: true }).click();
    await page.getByText("As a worker found it that read every byte.").waitFor();
    expect(await clipboard(page, "Copy the whole sha256")).toBe(weights.sha256);

    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download diffusion_pytorch_model.safetensors" }).click();
    const file = await download;
    expect([file.suggestedFilename(), sha256(await readFile(await file.path()))]).toEqual([
      "diffusion_pytorch_model.safetensors",
      weights.sha256,
    ]);

    const lines = `${await said(page, "curl")}\n${await said(page, "check what came")}`;
    expect(
      await typed(lines, async (folder) => sha256(await readFile(join(folder, "diffusion_pytorch_model.safetensors")))),
    ).toBe(weights.sha256);
    expect(await said(page, "hf")).toBe(
      `HF_ENDPOINT=${stage().url} hf download ${MODEL} unet/diffusion_pytorch_model.safetensors --local-dir .`,
    );
    await page.context().close();
  });

  test("a whole repo comes by the lines below its files", async () => {
    const page = await stage().open(`/${GUIDE}/tree/main#all`);
    const { items } = await get<{ items: TreeEntry[] }>(`/repos/${GUIDE}/tree?recursive=true`);
    const came = await typed(await said(page, "curl, all files"), (folder) =>
      Promise.all(items.map(async ({ path }) => [path, sha256(await readFile(join(folder, "guide-tiny", path)))])),
    );
    expect(came).toEqual(items.map((item) => [item.path, item.sha256]));
    await page.context().close();
  });

  test("an empty repo with the longest name says what to do next", async () => {
    const fullName = await own(LONG, { visibility: "public" });
    const page = await stage().open(`/${fullName}`, { as: stage().ben });
    expect(await page.getByRole("main").getByRole("link", { name: "Upload its files" }).getAttribute("href")).toBe(
      `/upload?repo=${fullName}`,
    );
    await page.getByRole("link", { name: /^Files/ }).click();
    await page.getByText("There are no files yet").waitFor();
    await page.getByRole("link", { name: /^Versions/ }).click();
    await page.getByText("Nothing was committed yet").waitFor();
    await page.goto(`${stage().url}/${fullName}`);
    await page.context().close();
    const visitor = await stage().open(`/${fullName}`);
    expect(
      await visitor
        .getByRole("main")
        .getByRole("link", { name: /^Upload/ })
        .count(),
    ).toBe(0);
    await visitor.context().close();
  });

  test("a private repo is not there for somebody else; its owner sees that it is private, and downloads with a token", async () => {
    const { ann, ben } = stage();
    const fullName = await own("kept-private", { kind: "guide" }, ann); // an operator, who sees those of others too
    must(201, await ann.commit(fullName, [{ op: "add", path: "notes/read me.txt", content: "for me" }]));
    for (const as of [ben, null]) {
      const page = await stage().open("/words", { as });
      for (const path of ["", "/tree/main", "/tree/main/notes/read%20me.txt", "/commits/main", "/settings"])
        expect([path, (await page.goto(`${stage().url}/${fullName}${path}`))!.status()]).toEqual([path, 404]);
      await page.context().close();
    }
    const page = await stage().open(`/${fullName}/tree/main/notes/read%20me.txt`, { as: ann });
    await page.getByText("private", { exact: true }).waitFor();
    expect(await page.getByLabel("notes/read me.txt").innerText()).toBe("for me");
    const line = await said(page, "curl");
    const token = ann.authorization.authorization.replace("Bearer ", "");
    expect(await typed(line, (folder) => readFile(join(folder, "read me.txt"), "utf8"), { HF_TOKEN: token })).toBe(
      "for me",
    );
    await expect(typed(line, () => Promise.resolve(), { HF_TOKEN: "" })).rejects.toThrow(/error: 40[14]/);
    await page.context().close();
  });

  test("many files, odd names, another branch: each is found, shown and downloaded", async () => {
    const fullName = await own("many", { visibility: "public" });
    const odd = "日本語 100% “a&b”/a/b/c/d/e/#1?.md";
    const files = Array.from({ length: 230 }, (_, index) => ({
      op: "add" as const,
      path: `many/${String(index).padStart(3, "0")}.txt`,
      content: `file ${index}`,
    }));
    must(
      201,
      await stage().ben.commit(
        fullName,
        [
          ...files,
          { op: "add", path: odd, content: "# Odd\n\n<script>window.bad = true</script>\n\nsound" },
          { op: "add", path: "README.md", content: "---\nlicense: mit\ntags: [first, second]\n---\nA first card." },
        ],
        "Many files",
      ),
    );
    must(201, await stage().ben.ask("POST", `/repos/${fullName}/refs`, { name: "before", kind: "tag" }));
    must(
      201,
      await stage().ben.commit(fullName, [{ op: "add", path: "many/007.txt", content: "changed" }], "One is changed"),
    );

    const page = await stage().open(`/${fullName}/tree/main/many`);
    await expect.poll(() => page.getByRole("row").count()).toBe(1 + 50);
    for (const last of ["099.txt", "149.txt", "199.txt", "229.txt"]) {
      await page.getByRole("link", { name: "More files" }).click();
      await page.getByRole("link", { name: last, exact: true }).waitFor();
    }
    await expect.poll(() => page.getByRole("row").count()).toBe(1 + 30);
    await page.getByRole("link", { name: "Back to the start" }).click();
    expect(
      await rowOf(page, "007.txt")
        .getByRole("link", { name: /ago|just now/ })
        .getAttribute("title"),
    ).toMatch(/^One is changed, /);
    expect(
      await rowOf(page, "008.txt")
        .getByRole("link", { name: /ago|just now/ })
        .getAttribute("title"),
    ).toMatch(/^Many files, /);
    await page.getByText("main", { exact: true }).click();
    await page.getByRole("link", { name: /^before tag$/ }).click();
    await page.waitForURL(/\/tree\/before$/);
    await page.goto(`${stage().url}/${fullName}/tree/before/many/007.txt`);
    expect(await page.getByLabel("many/007.txt").innerText()).toBe("file 7");

    await page.goto(`${stage().url}/${fullName}/tree/main`);
    for (const [index, folder] of odd.split("/").slice(0, -1).entries()) {
      await page.getByRole("link", { name: `${folder}/`, exact: true }).click();
      await page.waitForURL((url) => url.pathname.split("/").length === 6 + index);
    }
    await page.getByRole("link", { name: "#1?.md", exact: true }).click();
    await page.getByText("sound").waitFor();
    expect(await page.evaluate(() => (window as { bad?: boolean }).bad)).toBeUndefined();
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download #1?.md" }).click();
    expect(await readFile(await (await download).path(), "utf8")).toContain("# Odd");
    expect(await typed(await said(page, "curl"), (folder) => readFile(join(folder, "#1?.md"), "utf8"))).toContain(
      "# Odd",
    );

    await page.getByRole("link", { name: /^Versions\s*2$/ }).click();
    await page.waitForURL(/\/commits\//);
    await expect
      .poll(() => page.getByRole("main").getByRole("listitem").filter({ hasText: "ben" }).allInnerTexts())
      .toEqual([expect.stringMatching(/^One is changed/), expect.stringMatching(/^Many files/)]);
    await page.getByRole("link", { name: "Many files" }).click();
    await page.waitForURL(/\/tree\/[0-9a-f]{40}$/);
    await page.context().close();
  });

  test("what could not be read says what is wrong and what to do", async () => {
    const broken = await own("broken", { visibility: "public" });
    must(201, await stage().ben.commit(broken, [{ op: "add", path: "model_index.json", content: "{ cut off" }]));
    const unknown = await own("unknown-kind", { visibility: "public" });
    const header = JSON.stringify({ "strange.weight": { dtype: "F32", shape: [2], data_offsets: [0, 8] } }).padEnd(96);
    const bytes = Buffer.alloc(8 + 96 + 8);
    bytes.writeBigUInt64LE(96n);
    bytes.write(header, 8);
    must(
      201,
      await stage().ben.commit(unknown, [
        { op: "add", path: "model.safetensors", content: bytes.toString("base64"), encoding: "base64" },
      ]),
    );
    for (const [fullName, sentence] of [
      [broken, "broken/model_index.json is not valid JSON; download it again."],
      [unknown, "its tensors are not those of anything known here."],
    ] as const) {
      await inspected(fullName);
      const page = await stage().open(`/${fullName}`, { as: stage().ben });
      await page
        .getByRole("complementary")
        .getByText(
          `${sentence} The files are kept as they came. Upload a better version in their place, and it is read again.`,
        )
        .waitFor();
      await page.getByText("Nothing can be measured on it").waitFor();
      await page.context().close();
    }
  });

  test("a fine-tune: its pictures, its base as declared and detected, the guides that work with figures and n", async () => {
    const { pair, recovered, verdict } = await measured();
    const page = await stage().open(`/${MODEL}`);
    const { value, low, high, n } = recovered!;
    const row = rowOf(page, GUIDE);
    expect(await row.innerText()).toContain(wordOf(verdict));
    expect((await row.innerText()).replaceAll(/\s+/g, " ")).toContain(
      `${value.toFixed(2)} between [${low.toFixed(2)}, ${high.toFixed(2)}] n = ${n}`,
    );
    expect(await row.getByRole("link", { name: "Preview" }).getAttribute("href")).toBe(
      `/preview?finetune=${MODEL}&guide=${GUIDE}`,
    );
    expect(
      await page.getByRole("definition").filter({ hasText: "by its weights, median cosine 0.99" }).innerText(),
    ).toMatch(/^guidepost\/storybook/);
    const pictures = page.getByRole("region", { name: "Pictures" }).getByRole("img");
    const sizes = async (): Promise<number[][]> => {
      await page.reload(); // the sheet is drawn one picture after the other
      return pictures.evaluateAll((all) =>
        all.map((image) => [(image as HTMLImageElement).naturalWidth, image.getBoundingClientRect().width]),
      );
    };
    await expect.poll(sizes, { interval: 1000 }).toEqual(Array.from({ length: 6 }, () => [128, 256]));
    expect(await page.getByRole("link", { name: /^Versions/ }).innerText()).toMatch(/^Versions\s*1$/);
    await row.getByRole("link", { name: wordOf(verdict) }).click();
    await page.waitForURL(`**/pairs/${pair}`);
    await page.context().close();
  });

  test("a guide: what it is, what it was trained on, what it works on, how strong it is", async () => {
    const { recovered } = await measured();
    const facts = (await get<InspectionView>(`/repos/${GUIDE}/inspection`)).facts!;
    const page = await stage().open(`/${GUIDE}`);
    expect(await rowOf(page, MODEL).innerText()).toContain(recovered!.value.toFixed(2));
    await page
      .getByRole("definition")
      .filter({ hasText: `widths ${facts.guide!.widths.join(", ")}` })
      .waitFor();
    expect(
      await page
        .getByRole("term")
        .filter({ hasText: /^training: / })
        .allInnerTexts(),
    ).toEqual(Object.keys(facts.guide!.trainedOn).map((key) => key.replace("train.", "training: ")));
    expect(await page.getByRole("button", { name: "Copy the whole sha256", exact: true }).count()).toBe(1); // of its base
    const strength = page.getByRole("img", { name: /^Residual strength: guidance delivered, by guidance asked for/ });
    expect(await strength.getAttribute("aria-labelledby")).not.toBeNull();
    await page.getByText("Show data").first().click();
    await expect
      .poll(() =>
        page
          .getByRole("region", { name: /^Data of “Residual strength/ })
          .getByRole("row")
          .count(),
      )
      .toBeGreaterThan(3);
    expect(await said(page, "draw a picture")).toMatch(/--guide guide\.safetensors/);
    await page.context().close();
  });

  test("a base: what was made from it, and its guides", async () => {
    await measured();
    const page = await stage().open(`/${BASE}`);
    await rowOf(page, GUIDE).waitFor();
    const { facets } = await get<{ facets: { kind: { value: string; count: number }[] } }>(
      `/repos?base=${BASE}&facets=true&limit=1`,
    );
    const count = facets.kind.find(({ value }) => value === "guide")!.count;
    await page.getByRole("link", { name: `${count} guides made for it` }).click();
    await page.waitForURL(/\/browse\?/);
    await page
      .getByRole("link", { name: /guide-tiny/ })
      .first()
      .waitFor();
    await page.context().close();
  });

  test("where nothing was measured stands the one button that measures it, and how long that takes", async () => {
    const { ben } = stage();
    const fullName = await own("unmeasured", { visibility: "public", base: BASE });
    const upload = await ben.verified(
      fullName,
      "pixel.safetensors",
      retouched(await readFile(starter("pixel-lora/pixel.safetensors"))),
    );
    const card = "---\ninstance_prompt: in px style\n---\nA copy.";
    must(
      201,
      await ben.commit(fullName, [
        { op: "add", path: "pixel.safetensors", upload },
        { op: "add", path: "README.md", content: card },
      ]),
    );
    await inspected(fullName);
    const guides = (): Promise<Partner[]> =>
      get<{ items: Partner[] }>(`/repos/${fullName}/guides`).then(({ items }) => items);
    const cancel = async (): Promise<void> => {
      for (const { pair, state } of await eventually(
        "its pairs",
        guides,
        (all) => all.every((one) => one.pair !== null) && all.length >= 2,
      ))
        if (state === "queued" || state === "running") await ben.ask("POST", `/pairs/${pair}/cancel`);
      await eventually("nothing measured", guides, (all) => all.every(({ state }) => state === "cancelled"));
    };
    await cancel();
    const page = await stage().open(`/${fullName}`, { as: ben, scripts: false });
    await page.getByRole("definition").filter({ hasText: "in px style" }).waitFor();
    const row = rowOf(page, GUIDE);
    expect(await row.innerText()).toContain("cancelled");
    await page.getByText(/A measurement takes about \d|How long a measurement takes here is not known yet/).waitFor();
    await row.getByRole("button", { name: "Measure it" }).click();
    await page.waitForURL(/\/pairs\/[0-9a-f-]{36}$/);
    expect((await guides()).find((one) => one.repo === GUIDE)!.state).toMatch(/queued|running/);
    await page.goto(`${stage().url}/${fullName}`);
    expect(await rowOf(page, GUIDE).innerText()).toMatch(/waiting to be measured|being measured/);
    await cancel();
    await page.context().close();
  });

  test("settings: changed without scripts; only by who may; deleted only when its name is typed", async () => {
    const { ben } = stage();
    const fullName = await own("to-change", { visibility: "public", base: BASE });
    const page = await stage().open(`/${fullName}/settings`, { as: ben, scripts: false });
    await page.getByLabel("Summary").fill("Draws in chalk");
    await page.getByLabel("Licence").fill("mit");
    await page.getByLabel("Tags").fill("chalk, two words");
    await page.getByLabel("Who may see it").selectOption("private");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(new RegExp(`/${fullName}$`));
    await page.getByText("Draws in chalk").waitFor();
    expect(await page.getByRole("link", { name: "#two words" }).getAttribute("href")).toBe("/browse?tag=two%20words");
    expect(await get(`/repos/${fullName}`)).toMatchObject({
      summary: "Draws in chalk",
      license: "mit",
      tags: ["chalk", "two words"],
      base: BASE,
      visibility: "private",
    });

    await page.goto(`${stage().url}/${fullName}/settings`);
    await page.getByLabel(/^Type to-change/).fill("to-chang");
    await page.getByRole("button", { name: "Delete to-change" }).click();
    await page.getByText("That is not its name; type to-change to delete it. Nothing was changed.").waitFor();
    await page.getByLabel(/^Type to-change/).fill("to-change");
    await page.getByRole("button", { name: "Delete to-change" }).click();
    await page.waitForURL(/\/ben$/);
    expect((await page.goto(`${stage().url}/${fullName}`))!.status()).toBe(404);
    expect((await page.goto(`${stage().url}/${MODEL}/settings`))!.status()).toBe(403);
    await page.context().close();
    const visitor = await stage().open("/words");
    expect((await visitor.goto(`${stage().url}/${MODEL}/settings`))!.status()).toBe(401);
    await visitor.context().close();
  });

  test("a fine-tune looks right", () => stage().look("repo-finetune", `/${MODEL}`));
  test("a guide looks right", () => stage().look("repo-guide", `/${GUIDE}`));
  test("a base looks right", () => stage().look("repo-base", `/${BASE}`));
  test("files look right", async () => {
    await stage().look("repo-files", `/${MODEL}/tree/main`, { as: stage().ann });
    await stage().look("repo-file", `/${GUIDE}/tree/main/guide.safetensors`);
  });
  test("versions and settings look right", async () => {
    await stage().look("repo-versions", "/ben/many/commits/main");
    await stage().look("repo-settings", "/ben/many/settings", { as: stage().ben });
  });
  test("an empty repo, one that cannot be read and one that was not measured look right", async () => {
    await stage().look("repo-empty", `/ben/${LONG}`, { as: stage().ben });
    await stage().look("repo-broken", "/ben/broken", { as: stage().ben });
    await stage().look("repo-unmeasured", "/ben/unmeasured", { as: stage().ben });
  });
};
