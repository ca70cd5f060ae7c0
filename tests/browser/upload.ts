import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { eventually, must, PASSWORD } from "../support/hub-member.ts";
import { weightsOf } from "../support/upload-client.ts";
import type { Story } from "./stories.ts";

const starter = (name: string): string => fileURLToPath(new URL(`../../starter/${name}`, import.meta.url));
const unique = (name: string): string => `${name}-${Date.now().toString(36)}`;

export const upload: Story = (stage) => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "guidepost-upload-"))));
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
  const choose = (page: Page, label: string, files: string | string[]): Promise<void> => page.getByLabel(label, { exact: true }).and(page.locator("input")).setInputFiles(files);

  test("somebody signs up, drops a folder, sees what it is before a byte is sent, and ends where guides appear", async () => {
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
    await choose(page, "Choose a folder", starter("watercolor"));
    await page.getByText("watercolor is a model in the diffusers layout with 3 weights files.").waitFor();
    expect(await page.getByText(/unet \(diffusers names\): [\d,]+ parameters in \d+ tensors, F16/).count()).toBe(1);
    expect(seen).toEqual({ begun: [], puts: [] });
    await page.getByLabel("Name", { exact: true }).fill("my-watercolor");
    await page.getByRole("button", { name: /^Upload 11 files, 17\.7 MB$/ }).click();
    await page.waitForURL(`${stage().url}/${name}/my-watercolor`, { timeout: 60_000 });
    expect(seen.puts.length).toBe(seen.begun.length); // each of its files fits one part
    await page.getByText("by its weights").waitFor({ timeout: 60_000 });
    await page.getByRole("row", { name: /guidepost\/guide-tiny/ }).waitFor();
    expect(await page.getByRole("row", { name: /guidepost\/guide-tiny/ }).innerText()).toMatch(/verified|measured/);
    await page.context().close();
  });

  test("a low-rank file says what it is; a cut file and a pickle are named before a byte is sent", async () => {
    const page = await stage().open("/upload", { as: stage().ann });
    const seen = watch(page);
    await choose(page, "Choose files", starter("clay-lora/clay.safetensors"));
    await page.getByText(/clay is a low-rank fine-tune \(kohya\): 1,095,798 parameters in 354 tensors, F16\./).waitFor();
    await page.getByRole("button", { name: "Choose something else" }).click();

    const [cut, pickle] = [join(folder, "cut.safetensors"), join(folder, "model.ckpt")];
    await writeFile(cut, weightsOf(5000).subarray(0, 4000));
    await writeFile(pickle, Buffer.from("\x80\x02}q\x00."));
    await choose(page, "Choose files", [cut, pickle]);
    await page.getByText(/cut\.safetensors: its tensors take 4872 bytes, and only 3872 are there/).waitFor();
    expect(await page.getByText(/model\.ckpt: this kind of file may hold a Python pickle/).count()).toBe(1);
    expect(await page.getByRole("button", { name: /^Upload/ }).isDisabled()).toBe(true);
    expect(seen).toEqual({ begun: [], puts: [] });
    await page.context().close();
  });

  test("pauses, goes on, and after a reload sends only what is missing", async () => {
    const file = join(folder, "big.safetensors");
    await writeFile(file, weightsOf(80e6, Date.now() % 200));
    const name = unique("paused");
    const page = await stage().open("/upload", { as: stage().ben });
    const seen = watch(page);
    await page.route("**/storage/**", async (route) => (await new Promise((resolve) => setTimeout(resolve, 700)), route.continue())); // a line that is not too quick
    const begin = async (): Promise<void> => {
      await choose(page, "Choose files", file);
      await page.getByText(/big is a unknown/).waitFor();
      await page.getByLabel("Name", { exact: true }).fill(name);
      await page.getByRole("button", { name: /^Upload it, 80\.0 MB$/ }).click();
    };
    await begin();
    await expect.poll(() => seen.puts.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/^Paused at/).waitFor();
    const { items } = (await stage().ben.ask("GET", "/repos/ben/" + name + "/uploads")).body as { items: UploadView[] };
    await page.reload();
    await page.getByText(`ben/${name}`).waitFor();
    const arrived = (await stage().ben.get(items[0]!.id)).body as UploadView;
    const before = seen.puts.length;
    await begin();
    await page.waitForURL(`${stage().url}/ben/${name}`, { timeout: 60_000 });
    expect(seen.begun).toHaveLength(1);
    expect(seen.puts.length - before).toBe(arrived.partCount - arrived.arrived.length);
    expect(arrived.arrived.length).toBeLessThan(arrived.partCount);
    await eventually("what it is", () => page.locator("main").innerText(), (text) => text.includes("It cannot be used as it is: nothing; its tensors are not those of anything known here."));
    await page.context().close();
  });

  test("who is not signed in is told so; without scripts the page says what to do", async () => {
    const page = await stage().open("/upload");
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Sign in first");
    await page.context().close();
    const plain = await stage().open("/upload", { as: stage().ann, scripts: false });
    expect(await plain.locator("noscript").innerText()).toMatch(/curl -X POST/);
    await plain.context().close();
  });

  test("looks right", async () => {
    await stage().look("upload", "/upload", { as: stage().ann });
    await stage().look("upload-recognised", "/upload", { as: stage().ann }, (page) => choose(page, "Choose a folder", starter("watercolor")).then(() => page.getByText(/is a model in the diffusers layout/).waitFor()));
    await stage().look("upload-problem", "/upload", { as: stage().ann }, (page) => choose(page, "Choose files", [join(folder, "cut.safetensors"), join(folder, "model.ckpt")]).then(() => page.getByText(/may hold a Python pickle/).waitFor()));
    await stage().look("signed-out", "/upload");
  });
};
