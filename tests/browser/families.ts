import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { encodePng } from "#lib/picture/png.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { temporaryFolder } from "../support/cli.ts";
import { adapterFile, familyFiles, type Files, singleFileFiles } from "../support/evidence.ts";
import { eventually, must } from "../support/hub-member.ts";
import { dropOn } from "./drop-on.ts";
import { expectFields } from "./fields.ts";
import type { Story } from "./stories.ts";

/** What people really have: a checkpoint in one file, SDXL, a LoRA with a strength, a picture made elsewhere; and what does not run. */
export const families: Story = (stage) => {
  const unique = Date.now().toString(36);
  const names = {
    folder: `xl-${unique}`,
    file: `xl-file-${unique}`,
    lora: `xl-lcm-ink-${unique}`,
    flux: `flux-${unique}`,
  };
  const repos: string[] = [];

  const uploaded = async (name: string, kind: RepoItem["kind"], files: Files, base?: string): Promise<string> => {
    const { ann } = stage();
    const repo = await ann.newRepo(name, { kind, visibility: "public", ...(base !== undefined && { base }) });
    repos.push(repo);
    const operations = [];
    for (const [path, content] of Object.entries(files)) {
      const bytes = Buffer.from(content);
      operations.push(
        path.endsWith(".safetensors")
          ? ({ op: "add", path, upload: await ann.verified(repo, path, bytes) } as const)
          : ({ op: "add", path, content: bytes.toString("base64"), encoding: "base64" } as const),
      );
    }
    must(201, await ann.commit(repo, operations));
    await eventually(
      `the inspection of ${repo}`,
      async () => (await ann.ask("GET", `/repos/${repo}/inspection`)).body as { state: string },
      ({ state }) => state === "succeeded",
    );
    return repo;
  };
  const ended = (id: string): Promise<PreviewView> =>
    eventually(
      "the preview",
      async () => must(200, await stage().ann.ask("GET", `/previews/${id}`)).body as PreviewView,
      ({ state }) => state !== "queued" && state !== "running",
    );

  test("an SDXL folder, the same in one file, and a LoRA that shortens sampling are named and run", async () => {
    const folder = await uploaded(names.folder, "base", await familyFiles("sdxl"));
    const lcm = await adapterFile("xl-kohya-ldm");
    await uploaded(names.file, "finetune", await singleFileFiles("sdxl"), folder);
    await uploaded(names.lora, "finetune", { "ink-lcm-8steps.safetensors": lcm }, folder);
    const page = await stage().open(`/ann/${names.file}`);
    await page.getByText("single-file checkpoint (LDM names)").waitFor();
    await page.getByText(/by its weights, median cosine 1\.0000/).waitFor();
    await page.getByRole("main").getByRole("link", { name: "Preview", exact: true }).waitFor();
    await page.getByText(`npx guidepost sample ./sdxl-tiny.safetensors`).waitFor();
    await page.getByRole("link", { name: "Download sdxl-tiny.safetensors" }).waitFor();
    await page.context().close();
    for (const name of [names.folder, names.file, names.lora])
      await stage().look(`repo-${name.split("-2")[0]}`, `/ann/${name}`);
  });

  test("what does not run has no Preview button, says why on its pages and in lists, and cannot be asked for", async () => {
    const one = tensor(new Float32Array(4096), [1, 4096]);
    const prefix = "model.diffusion_model.";
    const flux = writeSafetensors(
      new Map([
        [`${prefix}double_blocks.0.img_attn.norm.key_norm.scale`, tensor(new Float32Array(1), [1])],
        [`${prefix}txt_in.weight`, one],
        [`${prefix}vector_in.in_layer.weight`, one],
      ]),
    );
    const repo = await uploaded(names.flux, "base", { "flux.safetensors": flux });
    const page = await stage().open(`/${repo}`);
    await page.getByText(/Flux\.1.* does not run here: its denoiser is a transformer/).waitFor();
    expect(await page.getByRole("main").getByRole("link", { name: "Preview", exact: true }).count()).toBe(0);
    await page.goto(`${stage().url}/${repo}/tree/main`);
    await page.getByText(/^No preview: Flux\.1.* does not run here/).waitFor();
    await page.goto(`${stage().url}/browse?q=${names.flux}`);
    await page.getByText("does not run here").waitFor();
    await page.goto(`${stage().url}/preview?finetune=${repo}`);
    await page.getByText(/Nothing can be drawn with .*Flux\.1/).waitFor();
    await expect.poll(() => page.locator("#finetune option", { hasText: names.flux }).count()).toBe(1); // as it was asked for
    await page.context().close();
    const asked = await stage().ann.ask("POST", "/previews", { finetune: repo, prompt: "a fox", seed: 1 });
    expect(asked.status).toBe(422);
    expect(String(asked.body.error)).toMatch(/cannot be used\. Flux\.1.* does not run here/);
    await stage().look("repo-refused", `/${repo}`);
    await stage().look("preview-refused", `/preview?finetune=${repo}`, { as: stage().ann });
  });

  test("sizes, samplers, a strength and a seed of 64 bits are choices, and stand in the picture", async () => {
    const page = await stage().open(`/preview?finetune=ann/${names.lora}`, { as: stage().ann });
    await page.getByText(/It shortens sampling: LCM/).waitFor();
    await page.getByRole("link", { name: "Use these" }).click();
    await expectFields(page, { Sampler: "lcm", Steps: "8", Guidance: "1" });
    await page.getByLabel("Prompt", { exact: true }).fill("a red fox");
    await page.getByLabel("Guidance", { exact: true }).fill("3");
    await page.getByLabel("Steps", { exact: true }).fill("2");
    await page.getByLabel("Seed", { exact: true }).fill("18446744073709551615");
    await page.getByRole("button", { name: "next seed" }).click();
    await expectFields(page, { Seed: "0" });
    await page.getByRole("button", { name: "previous seed" }).click();
    await expectFields(page, { Seed: "18446744073709551615" });
    await page.getByLabel("LoRA strength", { exact: true }).fill("0.6");
    await page.getByLabel("Size", { exact: true }).selectOption("custom");
    await page.getByLabel("wide").fill("70");
    await page.getByText("Each side must be a multiple of 8 from 64 to 2048 pixels.").waitFor();
    await page.getByLabel("wide").fill("96");
    await page.getByLabel("high").fill("64");
    await page.getByRole("button", { name: "Run preview" }).click();
    await page.waitForURL(/\/previews\/[0-9a-f-]{36}/);
    const view = await ended(/\/previews\/([0-9a-f-]{36})/.exec(page.url())![1]!);
    expect(view).toMatchObject({
      state: "succeeded",
      seed: "18446744073709551615",
      width: 96,
      height: 64,
      sampler: "lcm",
      loraStrength: 0.6,
    });
    await page.getByRole("slider", { name: /^Divider/ }).waitFor();
    await page.getByRole("link", { name: "Change settings" }).click();
    await page.waitForURL(/size=96x64/);
    await expectFields(page, { Seed: "18446744073709551615", "LoRA strength": "0.6", wide: "96" });
    await page.context().close();
    await stage().look("previews-wide", `/previews/${view.id}`, { as: stage().ann });
  });

  test("the same before any script has come", async () => {
    const page = await stage().open(`/preview?finetune=ann/${names.folder}&steps=2`, {
      as: stage().ann,
      scripts: false,
    });
    await page.getByLabel("Prompt", { exact: true }).fill("a fox");
    await page.getByLabel("Size", { exact: true }).selectOption("custom");
    await page.getByLabel("wide").fill("64");
    await page.getByLabel("high").fill("72");
    await page.getByLabel("Seed", { exact: true }).fill("9007199254740993");
    await page.getByLabel("Sampler", { exact: true }).selectOption("heun");
    await page.getByRole("button", { name: "Run preview" }).click();
    await page.waitForURL(/\/previews\/[0-9a-f-]{36}$/);
    const view = await ended(/\/previews\/([0-9a-f-]{36})/.exec(page.url())![1]!);
    expect(view).toMatchObject({
      state: "succeeded",
      width: 64,
      height: 72,
      seed: "9007199254740993",
      sampler: "heun",
    });
    await page.context().close();
  });

  test("a picture of A1111 opens with what is here, and names what is not", async () => {
    const page = await stage().open(`/preview?finetune=ann/${names.folder}`, { as: stage().ann });
    const settings =
      `Steps: 12, Sampler: DPM++ 3M SDE Karras, CFG scale: 7, Seed: 18446744073709551614, Size: 832x1216, ` +
      `Model: ${names.file}, Clip skip: 2, RNG: CPU, VAE: kl-f8.safetensors`;
    const text = `(a red fox:1.2) <lora:${names.lora}:0.6> <lora:lost:1>\nNegative prompt: blurry\n${settings}`;
    const dot = { width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) };
    await dropOn(page, encodePng(dot, new Map([["parameters", text]])), "theirs.png");
    await page.getByText(/Not on this hub, or not for you to see: the LoRA lost/).waitFor();
    await page.getByText(/the nearest here is dpmpp-2m-sde/).waitFor();
    await page.getByText(/It was decoded by the VAE kl-f8/).waitFor();
    await expectFields(page, {
      Model: `ann/${names.file}`,
      Prompt: `(a red fox:1.2) <lora:ann/${names.lora}:0.6>`,
      Seed: "18446744073709551614",
      Sampler: "dpmpp-2m-sde",
      wide: "832",
      high: "1216",
      "Prompts are read as": "a1111",
      "Text layers left out": "1",
    });
    await stage().keep(page, "preview-reopened-1440-light");
    await page.setViewportSize({ width: 390, height: 900 });
    await stage().keep(page, "preview-reopened-390-light");
    await page.context().close();
  });

  test("looks right with every choice", async () => {
    const everything = `seed=18446744073709551615&size=96x64&steps=30&guidance=4&negativePrompt=night&sampler=dpmpp-2m-karras&promptSyntax=a1111&clipSkip=1&guidanceRescale=0.7&loraStrength=0.6`;
    await stage().look("preview-lora", `/preview?finetune=ann/${names.lora}&prompt=a+fox&${everything}`, {
      as: stage().ann,
    });
    await stage().look("preview-sdxl", `/preview?finetune=ann/${names.folder}`, { as: stage().ann });
  });

  test("a single file is recognised before a byte is sent", async () => {
    const folder = await temporaryFolder();
    const { "sdxl-tiny.safetensors": file } = await singleFileFiles("sdxl");
    await writeFile(folder.path("dream.safetensors"), file!);
    const page = await stage().open("/upload", { as: stage().ann });
    await page.getByLabel("Choose files").setInputFiles(folder.path("dream.safetensors"));
    await page
      .getByText(/dream is a single-file checkpoint \(LDM names\)/)
      .first()
      .waitFor();
    await stage().keep(page, "upload-single-file-1440-light");
    await page.context().close();
    await folder.remove();
    for (const repo of repos.toReversed()) must(204, await stage().ann.ask("DELETE", `/repos/${repo}`));
  });
};
