import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contractOf } from "#lib/pairing/contract.ts";
import { InferenceProcess } from "#workers/inference/client.ts";
import { alteredFile, reconfiguredModel } from "../support/altered-model.ts";
import { temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";
import { publishedCheckpoint } from "../support/published-checkpoint.ts";
import { writeSparse } from "../fixtures/inspection/sparse-file.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let child: InferenceProcess;
beforeAll(async () => {
  folder = await temporaryFolder();
  child = new InferenceProcess();
});
afterAll(async () => {
  child.close();
  await folder.remove();
});

const inspect = (path: string) => child.run({ type: "inspect", folder: path });
const kin = async (fineTune: { lowRank: string } | { model: string }, ...bases: string[]) =>
  (
    await child.run({
      type: "kinship",
      fineTune,
      bases: bases.map((path) => ({ id: path, folder: path, family: null })),
    })
  ).bases;

async function folderWith(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const path = folder.path(name);
  await mkdir(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(`${path}/${file}`, content);
  return path;
}

describe("a child says what a commit is", () => {
  test("a model, with the files that decide what it computes", async () => {
    const { inspection, signature, files } = await inspect(starter("storybook"));
    expect(inspection).toMatchObject({ kind: "diffusers folder", runs: true, problems: [] });
    expect(contractOf(signature!)).toBe("unet-in4-c64.96.160-l1.1.1-a011-t128-eps");
    expect(files[0]).toEqual({ role: "unet", path: "unet/diffusion_pytorch_model.safetensors" });
    expect(files.map(({ role }) => role).toSorted()).toEqual([
      "config",
      "config",
      "config",
      "schedule",
      "textEncoder",
      "tokenizer",
      "tokenizer",
      "tokenizer",
      "unet",
      "vae",
    ]);
  });

  test("a guide has the signature of its base", async () => {
    const [guide, base] = [await inspect(starter("guide-tiny")), await inspect(starter("storybook"))];
    expect(contractOf(guide.signature!)).toBe(contractOf(base.signature!));
    expect(guide).toMatchObject({
      inspection: { kind: "guide" },
      files: [{ role: "guide", path: "guide.safetensors" }],
    });
  });

  test("a low-rank fine-tune has no signature of its own", async () => {
    expect(await inspect(starter("neon-lora"))).toMatchObject({
      inspection: { kind: "low-rank fine-tune", runs: true },
      signature: null,
      files: [{ role: "low-rank fine-tune", path: "neon.safetensors" }],
    });
  });

  test("nothing, in words", async () => {
    for (const [name, files, says] of [
      ["nothing", { "README.md": "# hello" }, /neither a model_index.json nor safetensors/],
      [
        "graph",
        { "model.safetensors": Buffer.concat([Buffer.from([8, 7, 0x12, 4]), Buffer.alloc(60, 65)]) },
        /problem named here/,
      ],
      ["pickled", { "model.ckpt": "PK" }, /its weights are in model\.ckpt, a pickle/],
    ] as const) {
      const { inspection, signature } = await inspect(await folderWith(name, files));
      expect(inspection).toMatchObject({ kind: "unknown", runs: false });
      expect(inspection.whatRuns).toMatch(says);
      expect(signature).toBeNull();
    }
  });

  test("a broken model is a model with problems", async () => {
    const path = await reconfiguredModel(folder.path("misfit"), "unet/config.json", { cross_attention_dim: 64 });
    const { inspection, signature, files } = await inspect(path);
    expect(inspection).toMatchObject({ kind: "diffusers folder", runs: false });
    expect(inspection.problems.join(" ")).toMatch(/text states of width 64/);
    expect({ signature, files }).toEqual({ signature: null, files: [] });
  });

  test("bytes that are no weights fail, naming the file", async () => {
    const path = await folderWith("broken", { "style.safetensors": "version https://git-lfs.github.com/spec/v1\n" });
    await expect(inspect(path)).rejects.toMatchObject({
      code: "malformed_weights",
      message: expect.stringContaining("broken/style.safetensors: it is a Git LFS pointer"),
    });
  });

  test("and keeps little of what strangers wrote into a header", async () => {
    const path = await folderWith("chatty", {});
    await alteredFile(starter("neon-lora/neon.safetensors"), `${path}/neon.safetensors`, ({ metadata }) => {
      for (let i = 0; i < 1000; i++) metadata.set(`key ${i}`, "x".repeat(5000));
    });
    const { inspection } = await inspect(path);
    expect(Object.keys(inspection.metadata).length).toBe(200);
    expect(JSON.stringify(inspection).length).toBeLessThan(500_000);
  });
});

describe("a checkpoint in one file", () => {
  test("of the size that people have is opened as its family was published", async () => {
    for (const [family, name, contract, side] of [
      ["sd1", "SD 1.x", "unet-in4-c320.640.1280.1280-l2.2.2.2-a1110-t768-eps", 512],
      ["sdxl", "SDXL", "unet-in4-c320.640.1280-l2.2.2-a011-t2048-eps", 1024],
    ] as const) {
      const path = await folderWith(`${family}-real`, { "README.md": "# One file" });
      await writeSparse(`${path}/dream.safetensors`, publishedCheckpoint[family]());
      const { inspection, signature, nativeSize, files } = await inspect(path);
      expect(inspection).toMatchObject({ kind: "single-file checkpoint", family: name, runs: true, problems: [] });
      expect(contractOf(signature!)).toBe(contract);
      expect(nativeSize).toEqual({ width: side, height: side });
      expect(files).toEqual([{ role: "checkpoint", path: "dream.safetensors" }]);
    }
  });

  test("that lacks a tensor is named by it, and one without its VAE by that", async () => {
    const whole = publishedCheckpoint.sd1();
    const without = (pattern: RegExp) =>
      Object.fromEntries(Object.entries(whole).filter(([name]) => !pattern.test(name)));
    const lacking = await folderWith("lacking", {});
    await writeSparse(`${lacking}/a.safetensors`, without(/^cond_stage_model.*layers\.3\.mlp\.fc1\.weight$/));
    const found = await inspect(lacking);
    expect(found).toMatchObject({ inspection: { runs: false, weightsFitConfig: false }, signature: null });
    expect(found.inspection.problems.join()).toMatch(/lacks the tensor "encoder\.layers\.3\.mlp\.fc1\.weight"/);
    const bare = await folderWith("no-vae", {});
    await writeSparse(`${bare}/a.safetensors`, without(/^first_stage_model/));
    expect((await inspect(bare)).inspection).toMatchObject({
      runs: false,
      whatRuns: expect.stringContaining("it lacks its VAE"),
    });
  });

  test("fits a low-rank file by the configs of its family, without a byte of it", async () => {
    const lora = await folderWith("lora-real", {});
    const down = "lora_unet_input_blocks_7_1_transformer_blocks_5_attn1_to_q"; // SD 1.x has one block there
    const made = { [`${down}.lora_down.weight`]: [4, 1280], [`${down}.lora_up.weight`]: [1280, 4] };
    await writeSparse(`${lora}/ink.safetensors`, made);
    const base = await folderWith("nowhere", {});
    await symlink("not-laid-out", `${base}/dream.safetensors`);
    const compared = async (family: string) =>
      (
        await child.run({
          type: "kinship",
          fineTune: { lowRank: `${lora}/ink.safetensors` },
          bases: [{ id: "it", folder: base, family }],
        })
      ).bases[0]!.mismatch;
    expect(await compared("SDXL")).toBeNull();
    expect(await compared("SD 1.x")).toMatch(/made for another base/);
  });
});

describe("a child compares a fine-tune with bases", () => {
  test("by its weights", async () => {
    const stranger = folder.path("stranger");
    await cp(starter("storybook"), stranger, { recursive: true });
    await alteredFile(
      starter("storybook/unet/diffusion_pytorch_model.safetensors"),
      `${stranger}/unet/diffusion_pytorch_model.safetensors`,
      ({ tensors }) => {
        for (const { data } of tensors.values()) data.reverse();
      },
    );
    const [same, other] = await kin({ model: starter("watercolor") }, starter("storybook"), stranger);
    expect(same).toMatchObject({ mismatch: null, medianCosine: expect.closeTo(1, 1) });
    expect(other!.medianCosine).toBeLessThan(0.5);
  });

  test("by its shapes, from nothing but the base's settings", async () => {
    const settings = folder.path("settings-only");
    for (const part of ["unet", "text_encoder"])
      await cp(starter(`storybook/${part}/config.json`), `${settings}/${part}/config.json`);
    const wider = await reconfiguredModel(folder.path("wider"), "unet/config.json", {
      block_out_channels: [64, 96, 192],
    });
    for (const lora of ["neon-lora/neon.safetensors", "pencil-lora/pencil.safetensors"]) {
      const [fits, not] = await kin({ lowRank: starter(lora) }, settings, wider);
      expect(fits).toMatchObject({ mismatch: null });
      expect(not!.mismatch).toMatch(/was made for another base: its layer/);
    }
  });
});
