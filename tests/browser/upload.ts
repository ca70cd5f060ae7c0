import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileChooser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Partner } from "#lib/catalog/pairs/schema.ts";
import { PART_BYTES, type UploadView } from "#lib/catalog/uploads/schema.ts";
import { eventually, HubMember, must, PASSWORD } from "../support/hub-member.ts";
import { weightsOf } from "../support/upload-client.ts";
import { dropOn } from "./drop-on.ts";
import { expectFields } from "./fields.ts";
import type { Story } from "./stories.ts";

const starter = (name: string): string => fileURLToPath(new URL(`../../starter/${name}`, import.meta.url));
const unique = (name: string): string => `${name}-${Date.now().toString(36)}`;

export const upload: Story = (stage) => {
  let folder: string;
  const inFolder = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };
  let [cut, pickle, fine, refused]: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "guidepost-upload-"));
    cut = await inFolder("cut.safetensors", weightsOf(5000).subarray(0, 4000));
    pickle = await inFolder("model.ckpt", Buffer.from("\x80\x02}q\x00.", "latin1"));
    fine = await inFolder("fine.safetensors", weightsOf(4000, 3));
    refused = await inFolder(
      "notes.dat",
      Buffer.concat([Buffer.from("\x80\x04\x95", "latin1"), Buffer.alloc(100_000, 1)]),
    ); // a pickle, which only the hub sees
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Every request that asks the hub for an upload, or brings bytes. */
  const watch = (page: Page): { begun: string[]; puts: string[] } => {
    const seen = { begun: [] as string[], puts: [] as string[] };
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/uploads")) seen.begun.push(request.url());
      if (request.method() === "PUT") seen.puts.push(request.url());
    });
    return seen;
  };
  const choose = (page: Page, label: "Choose a folder" | "Choose files", files: string | string[]): Promise<void> =>
    page.getByLabel(label, { exact: true }).and(page.locator("input")).setInputFiles(files);
  const uploadButton = (page: Page) => page.getByRole("button", { name: /^Upload / });

  test("somebody signs up, chooses a folder, sees what it is before a byte is sent, and ends where guides appear", async () => {
    const { url } = must(201, await stage().ann.asBrowser("POST", "/invitations", {})).body as { url: string };
    const page = await stage().open(new URL(url).pathname + new URL(url).search);
    const name = unique("cleo").slice(0, 30);
    await page.getByLabel("Username").fill(name);
    await page.getByLabel("E-mail address").fill(`${name}@example.org`);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.waitForURL(`${stage().url}/`);
    await page.getByRole("link", { name: "Upload", exact: true }).click();
    await page.waitForURL(/\/upload$/);
    const seen = watch(page);
    // By keyboard, as soon as the page listens: the button opens the browser's own window.
    let window: FileChooser | null = null;
    page.once("filechooser", (chooser) => (window = chooser));
    await expect
      .poll(
        async () => (window ?? (await page.getByRole("button", { name: "Choose a folder" }).press("Enter")), window),
        { interval: 500 },
      )
      .not.toBeNull();
    await window!.setFiles(starter("watercolor"));
    await page
      .getByRole("heading", { name: "watercolor is a model in the diffusers layout with 3 weights files." })
      .waitFor();
    const said = (): Promise<string> => page.locator("main").innerText();
    await expect.poll(said).toMatch(/StableDiffusionPipeline/);
    await expect.poll(said).toMatch(/unet \(diffusers names\): 7,446,852 parameters in 326 tensors, F16/);
    await expect
      .poll(said)
      .toMatch(/the hub finds it by the weights, once it has read them; guidepost\/storybook has its shape/);
    expect(seen).toEqual({ begun: [], puts: [] });
    await page.getByLabel("Name", { exact: true }).fill("my-watercolor");
    await page.getByRole("button", { name: "Upload 11 files, 17.7 MB" }).click();
    await page.waitForURL(`${stage().url}/${name}/my-watercolor`);
    expect(seen.begun.length).toBe(3); // the small ones travel within the commit
    expect(seen.puts.length).toBe(3);
    const guide = page.getByRole("row", { name: /guidepost\/guide-tiny/ }).first();
    await expect.poll(() => guide.innerText()).toMatch(/measur|verified|usable|inconclusive|waits|queue/i);
    await page.context().close();
    // Nobody here needs to know how well guides work on it.
    const cleo = await HubMember.signIn(stage().url, name);
    for (const { pair } of (await cleo.ask("GET", `/repos/${name}/my-watercolor/guides`)).body.items as Partner[])
      if (pair !== null) await cleo.ask("POST", `/pairs/${pair}/cancel`);
  });

  test("a low-rank file and a guide say what they are; a cut file and a pickle are named before a byte is sent", async () => {
    const page = await stage().open("/upload", { as: stage().ann });
    const seen = watch(page);
    await choose(page, "Choose files", starter("clay-lora/clay.safetensors"));
    await page.getByRole("heading", { name: "clay is a low-rank fine-tune (kohya)." }).waitFor();
    await expect.poll(() => page.locator("main").innerText()).toMatch(/rank\s+16\s/);
    await page.getByRole("button", { name: "Choose something else" }).click();

    await choose(page, "Choose a folder", starter("guide-tiny"));
    await page.getByRole("heading", { name: "guide-tiny is a guide." }).waitFor();
    await expect.poll(() => page.locator("main").innerText()).toMatch(/1 to 8, reference 5/);
    await expectFields(page, { Kind: "guide", "Made for": "guidepost/storybook" });
    await page.getByRole("button", { name: "Choose something else" }).click();

    await choose(page, "Choose files", [cut!, pickle!]);
    await page.getByText(/cut\.safetensors: its tensors take 4872 bytes, and only 3872 are there/).waitFor();
    await page.getByText(/model\.ckpt: this kind of file may hold a Python pickle/).waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Nothing to upload" }).isDisabled()).toBe(true);
    expect(seen).toEqual({ begun: [], puts: [] });
    await page.context().close();
  });

  test("what is dropped anywhere on the page is taken, into a repo that is there", async () => {
    const repo = await stage().ben.newRepo(unique("dropped"));
    const page = await stage().open(`/upload?repo=${repo}`, { as: stage().ben });
    await dropOn(page, weightsOf(3000, 7), "something.safetensors");
    await page.getByRole("heading", { name: "something is not of a kind that is known here." }).waitFor();
    await page.getByRole("button", { name: "Upload it, 3.00 kB" }).click();
    await page.waitForURL(`${stage().url}/${repo}`);
    const { items } = (await stage().ben.ask("GET", `/repos/${repo}/tree`)).body as { items: { path: string }[] };
    expect(items.map(({ path }) => path)).toEqual(["something.safetensors"]);
    await page.context().close();
  });

  test("pauses, and after a reload sends only what is missing, also over a line that breaks", async () => {
    const bytes = 4 * PART_BYTES + 1e6;
    const file = await inFolder("big.safetensors", weightsOf(bytes, Date.now() % 200));
    const name = unique("paused");
    const page = await stage().open("/upload", { as: stage().ben });
    const seen = watch(page);
    const held: Route[] = [];
    let passes = 3;
    await page.route("**/storage/**", (route) => (passes-- > 0 ? route.continue() : void held.push(route)));
    await choose(page, "Choose files", file);
    await page.getByRole("heading", { name: /^big is not of a kind that is known here/ }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Upload it, 68.1 MB" }).click();
    await expect.poll(() => held.length).toBe(2);
    await page
      .getByText(/^\d\d%$/)
      .first()
      .waitFor();
    const { items } = (await stage().ben.ask("GET", `/repos/ben/${name}/uploads`)).body as { items: UploadView[] };
    expect(items).toHaveLength(1);
    // Of the three that were let through, one may still be on its way: a pause takes it back.
    await expect
      .poll(async () => ((await stage().ben.get(items[0]!.id)).body as UploadView).arrived)
      .toEqual([1, 2, 3]);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("heading", { name: `Paused: ben/${name}` }).waitFor();

    await page.reload();
    await page.getByText(/was begun in this browser and is not finished: big\.safetensors, 68\.1 MB/).waitFor();
    const before = seen.puts.length;
    await page.unroute("**/storage/**");
    let broken = 0;
    await page.route("**/storage/**", (route) => (broken++ === 0 ? route.abort("connectionreset") : route.continue()));
    await choose(page, "Choose files", file);
    await expect.poll(() => page.getByRole("radio", { name: `Resume ben/${name}` }).isChecked()).toBe(true);
    await uploadButton(page).click();
    await page.waitForURL(`${stage().url}/ben/${name}`);
    const again = seen.puts.slice(before).map((url) => new URL(url).searchParams.get("part"));
    expect([...new Set(again)].toSorted()).toEqual(["4", "5"]);
    expect(again.length).toBeGreaterThan(2); // one of them twice, for its line broke
    expect((await stage().ben.get(items[0]!.id)).body).toMatchObject({ state: "linked" });
    const { items: files } = (await stage().ben.ask("GET", `/repos/ben/${name}/tree`)).body as {
      items: { size: number }[];
    };
    expect(files).toEqual([expect.objectContaining({ path: "big.safetensors", size: bytes })]);
    await page.goto(`${stage().url}/upload`);
    await page.getByRole("button", { name: "Choose files" }).waitFor();
    expect(await page.getByText("was begun in this browser").count()).toBe(0);
    await page.context().close();
  });

  test("a file that the hub refuses stops no other one, and cancelling throws away what arrived", async () => {
    const name = unique("refused");
    const page = await stage().open("/upload", { as: stage().ben });
    await choose(page, "Choose files", [fine!, refused!]);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await uploadButton(page).click();
    await page
      .getByRole("alert")
      .getByText(/^1 file was not taken; the reason stands beside it\./)
      .waitFor();
    const line = (file: string) => page.getByRole("listitem").filter({ hasText: file }).innerText();
    await expect.poll(() => line("notes.dat")).toMatch(/pickle/i);
    await expect.poll(() => line("fine.safetensors")).toMatch(/is there/);
    await page.getByRole("button", { name: "Continue without it" }).click();
    await page.waitForURL(`${stage().url}/ben/${name}`);
    const { items } = (await stage().ben.ask("GET", `/repos/ben/${name}/tree`)).body as { items: { path: string }[] };
    expect(items.map(({ path }) => path)).toEqual(["fine.safetensors"]);

    // A line so slow that there is time to think again.
    await page.goto(`${stage().url}/upload?repo=ben/${name}`);
    await page.route("**/storage/**", () => {});
    await choose(page, "Choose files", await inFolder("other.safetensors", weightsOf(5000, 4)));
    await uploadButton(page).click();
    const open = await eventually(
      "an upload",
      async () => (await stage().ben.ask("GET", `/repos/ben/${name}/uploads`)).body.items as UploadView[],
      (all) => all.length === 1,
    );
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Discard it" }).click();
    await page.getByText(`The upload to ben/${name} was given up`).waitFor();
    expect((await stage().ben.get(open[0]!.id)).body).toMatchObject({ state: "aborted" });
    await page.context().close();
  });

  test("who is not signed in is told so; without scripts the page says what to do", async () => {
    const page = await stage().open("/upload");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Sign in first");
    await page.context().close();
    const plain = await stage().open("/upload", { as: stage().ann, scripts: false });
    expect(await plain.locator("main").innerText()).toMatch(/api -X POST .+\/complete/);
    expect(await plain.getByRole("button", { name: "Choose a folder" }).isVisible()).toBe(false);
    await plain.context().close();
  });

  test("a thousand files are listed as far as they say something", async () => {
    const page = await stage().open("/upload", { as: stage().ann });
    await page
      .getByLabel("Choose a folder", { exact: true })
      .and(page.locator("input"))
      .evaluate((input: HTMLInputElement) => {
        const transfer = new DataTransfer();
        for (let i = 0; i < 1000; i++) transfer.items.add(new File([`{"i":${i}}`], `file-${i}.json`));
        transfer.items.add(new File(["x"], "zz-last.ckpt"));
        input.files = transfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
    await uploadButton(page).waitFor();
    await expect.poll(() => page.getByRole("listitem").first().innerText()).toMatch(/zz-last\.ckpt/);
    await page.getByText(/^and 801 more, /).waitFor();
    await page.context().close();
  });

  test("looks right before anything is sent", async () => {
    const as = stage().ben;
    await stage().look("upload", "/upload", { as });
    await stage().look("upload-recognised", "/upload", { as }, (page) =>
      choose(page, "Choose a folder", starter("watercolor")).then(() =>
        page
          .getByText(/is a model in the diffusers layout/)
          .first()
          .waitFor(),
      ),
    );
    await stage().look("upload-problem", "/upload", { as }, (page) =>
      choose(page, "Choose files", [cut!, pickle!, starter("clay-lora/clay.safetensors")]).then(() =>
        page.getByText(/may hold a Python pickle/).waitFor(),
      ),
    );
    await stage().look("signed-out", "/upload");
  });

  test("looks right while it is sent, and at its ends", async () => {
    const repos: string[] = [];
    const begin = async (
      page: Page,
      files: string | string[],
      label: "Choose files" | "Choose a folder" = "Choose files",
    ): Promise<void> => {
      const name = unique(`look-${repos.length}`);
      repos.push(name);
      await choose(page, label, files);
      await page.getByLabel("Name", { exact: true }).fill(name);
      await uploadButton(page).click();
    };
    const big = await inFolder(
      `${"a-name-of-ninety-six-characters-".repeat(3)}.safetensors`,
      weightsOf(3 * PART_BYTES, 5),
    );
    const hold = async (page: Page, passes: number): Promise<void> =>
      void (await page.route("**/storage/**", (route) => (passes-- > 0 ? route.continue() : undefined)));
    const as = stage().ben;
    await stage().look("upload-sending", "/upload", { as }, async (page) => {
      await hold(page, 2);
      await begin(page, big);
      await page
        .getByText(/^6\d%$/)
        .first()
        .waitFor();
    });
    await stage().look("upload-paused", "/upload", { as }, async (page) => {
      await hold(page, 1);
      await begin(page, big);
      await page
        .getByText(/^3\d%$/)
        .first()
        .waitFor();
      await page.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("heading", { name: /^Paused/ }).waitFor();
    });
    await stage().look("upload-stopped", "/upload", { as }, async (page) => {
      await begin(page, [fine!, refused!]);
      await page.getByRole("button", { name: "Continue without it" }).waitFor();
    });
    await stage().look("upload-done", "/upload", { as }, async (page) => {
      await page.route(/\/ben\/look-[^/]*$/, (route) => route.fulfill({ status: 204 })); // a browser then stays where it is
      await begin(page, fine!);
      await page.getByText("All of it is in the repo.").waitFor();
    });
    for (const name of repos) must(204, await stage().ben.ask("DELETE", `/repos/ben/${name}`));
  });
};
