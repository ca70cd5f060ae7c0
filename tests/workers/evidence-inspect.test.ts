import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { findInspection, getInspection } from "#lib/catalog/inspections/service.ts";
import { recordInspection } from "#lib/catalog/inspections/work.ts";
import { runnableModel } from "#lib/catalog/models/service.ts";
import { updateRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { newPerson } from "../support/actors.ts";
import { baseFiles, commitFiles, type Files, newRepoWith, starterFiles, workOff } from "../support/evidence.ts";
import { starter } from "../support/golden.ts";
import { alteredFile } from "../support/altered-model.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { claimJob } from "../support/attempts.ts";

const hub = await useTempHub();
let ann: Person;
let bob: Person;
let base: Files;

beforeAll(async () => {
  [ann, bob, base] = [await newPerson("ann"), await newPerson("bob"), await baseFiles()];
});
afterAll(async () => {
  await closeQueue();
  await hub.close();
});

const inspectionOf = async (commitId: string) => (await findInspection(commitId))!;
const factsOf = async (commitId: string) => (await inspectionOf(commitId)).facts!;

/** “guide finetune priority” of the checks that wait. */
async function checksWaiting(): Promise<string[]> {
  const rows = await database().$queryRaw<{ line: string }[]>`
    SELECT g.name || ' ' || f.name || ' ' || j.priority AS line FROM pair p JOIN job j ON j.subject_id = p.id
      JOIN commit gc ON gc.id = p.guide_commit_id JOIN repo g ON g.id = gc.repo_id
      JOIN commit fc ON fc.id = p.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
    WHERE p.state = 'queued' ORDER BY p.created_at, line`;
  return rows.map(({ line }) => line);
}

describe("the starter collection, uploaded in the worst order", () => {
  const ids: Record<string, string> = {};
  const add = async (name: string, folder: string, kind: "finetune" | "guide", declares = false) =>
    void (ids[name] = (
      await newRepoWith(ann, { name, kind, ...(declares && { base: "ann/storybook" }) }, await starterFiles(folder))
    ).commitId);

  test("what comes before its base is named, and waits for it", async () => {
    await add("watercolor", "watercolor", "finetune");
    await add("neon", "neon-lora", "finetune");
    await add("guide-tiny", "guide-tiny", "guide");
    await workOff("inspect");
    expect(await inspectionOf(ids["watercolor"]!)).toMatchObject({
      state: "succeeded",
      baseCommitId: null,
      facts: { kind: "diffusers folder", runs: true, detectedBase: null, agrees: null },
    });
    expect(await inspectionOf(ids["neon"]!)).toMatchObject({
      contract: null,
      weightsSha256: null,
      facts: {
        kind: "low-rank fine-tune",
        runs: false,
        whatRuns: expect.stringContaining("no base of this hub has the layers"),
      },
    });
    await expect(runnableModel(ids["neon"]!)).rejects.toMatchObject({
      code: "unsupported_model",
      message: expect.stringContaining("no base of this hub"),
    });
    expect(await checksWaiting()).toEqual([]);
  });

  test("once the base is there all find it, each in its own way", async () => {
    const { commitId } = await newRepoWith(ann, { name: "storybook", kind: "base" }, base);
    ids["storybook"] = commitId;
    await add("pencil", "pencil-lora", "finetune", true);
    await add("guide-distilled", "guide-distilled", "guide", true);
    await workOff("inspect");
    const detected = async (name: string) => (await factsOf(ids[name]!)).detectedBase;
    expect(await detected("watercolor")).toMatchObject({
      commitId,
      how: "by its weights",
      medianCosine: expect.closeTo(0.994, 2),
    });
    expect(await detected("neon")).toMatchObject({ commitId, how: "by its shapes", medianCosine: null });
    expect(await detected("guide-tiny")).toMatchObject({ commitId, how: "named by the guide" });
    expect(await factsOf(ids["pencil"]!)).toMatchObject({ agrees: true, runs: true, fittingBases: [{ commitId }] });
    expect((await factsOf(ids["guide-distilled"]!)).agrees).toBe(true);
    for (const name of ["watercolor", "neon", "pencil", "guide-tiny", "guide-distilled"])
      expect((await inspectionOf(ids[name]!)).baseCommitId).toBe(commitId);
  });

  test("all have one contract, and run as they are laid out", async () => {
    const contracts = await Promise.all(Object.values(ids).map(async (id) => (await inspectionOf(id)).contract));
    expect(new Set(contracts)).toEqual(new Set(["unet-in4-c64.96.160-l1.1.1-a011-t128-eps"]));
    const storybook = { commitId: ids["storybook"], name: "storybook" };
    expect(await runnableModel(ids["neon"]!)).toEqual({
      base: storybook,
      lowRank: [{ commitId: ids["neon"], name: "neon", path: "neon.safetensors" }],
    });
    expect(await runnableModel(ids["watercolor"]!)).toEqual({
      base: { commitId: ids["watercolor"], name: "watercolor" },
      lowRank: [],
    });
    await expect(runnableModel(ids["guide-tiny"]!)).rejects.toMatchObject({
      message: expect.stringContaining("is a guide, which draws nothing by itself"),
    });
  });

  test("nothing that the reader saw is lost on the way into the row", async () => {
    for (const [name, folder] of [
      ["storybook", "storybook"],
      ["neon", "neon-lora"],
      ["guide-tiny", "guide-tiny"],
    ] as const) {
      const {
        name: _,
        whatRuns: __,
        ...seen
      } = JSON.parse(JSON.stringify(await inspectPath(starter(folder)))) as Record<string, unknown>;
      expect(await factsOf(ids[name]!)).toMatchObject(seen);
    }
    const { files, mainFile } = await factsOf(ids["storybook"]!);
    expect(mainFile).toBe("unet/diffusion_pytorch_model.safetensors");
    expect(files.find(({ role }) => role === "unet")!.sha256).toMatch(/^a1c8a5aa707d/);
  });

  test("every guide is to be measured on everything of its base", async () => {
    const models = ["neon", "pencil", "storybook", "watercolor"];
    // Only a guide's own base goes first, and only where somebody waits: guide-tiny was inspected again by itself.
    expect((await checksWaiting()).toSorted()).toEqual(
      ["guide-distilled", "guide-tiny"].flatMap((guide) =>
        models.map((model) => `${guide} ${model} ${guide === "guide-distilled" && model === "storybook" ? 50 : 0}`),
      ),
    );
    await add("clay", "clay-lora", "finetune", true);
    await workOff("inspect");
    expect((await checksWaiting()).filter((line) => line.includes("clay")).toSorted()).toEqual([
      "guide-distilled clay 50",
      "guide-tiny clay 50",
    ]);
  });

  test("other words beside the same weights change nothing that was measured", async () => {
    const before = await inspectionOf(ids["watercolor"]!);
    const { repoId } = await database().commit.findUniqueOrThrow({
      where: { id: ids["watercolor"]! },
      select: { repoId: true },
    });
    const id = await commitFiles(
      { id: repoId },
      { ...(await starterFiles("watercolor")), "README.md": "# New words" },
      ann,
    );
    const count = (await checksWaiting()).length;
    await workOff("inspect");
    expect(await inspectionOf(id)).toMatchObject({ contract: before.contract, weightsSha256: before.weightsSha256 });
    expect(await checksWaiting()).toHaveLength(count);
  });
});

describe("a base that fits is taken only where it is certain", () => {
  test("of two with the same shapes the declared one, else none, and both are offered", async () => {
    const twin = await newRepoWith(
      bob,
      { name: "twin", kind: "base" },
      { ...base, "unet/diffusion_pytorch_model.safetensors": await strangeWeights() },
    );
    await workOff("inspect");
    const files = await starterFiles("clay-lora");
    const undeclared = await newRepoWith(bob, { name: "clay", kind: "finetune" }, files);
    const declared = await newRepoWith(bob, { name: "clay-of-twin", kind: "finetune", base: "bob/twin" }, files);
    await workOff("inspect");
    const facts = await factsOf(undeclared.commitId);
    expect(facts).toMatchObject({
      detectedBase: null,
      runs: false,
      whatRuns: expect.stringContaining("its layers fit 2 bases of this hub; say in the repo's settings"),
    });
    expect(facts.fittingBases).toHaveLength(2);
    expect(await factsOf(declared.commitId)).toMatchObject({
      detectedBase: { commitId: twin.commitId },
      agrees: true,
      runs: true,
    });
    // As it says: the base is said in the settings, and all else follows.
    await updateRepo(bob, { owner: "bob", repo: "clay" }, { base: "ann/storybook" });
    await workOff("inspect");
    expect(await factsOf(undeclared.commitId)).toMatchObject({
      detectedBase: { how: "by its shapes" },
      agrees: true,
      runs: true,
    });
    expect((await checksWaiting()).filter((line) => line.includes("clay")).length).toBe(2);
  });

  test("a whole model whose weights are another base's is said to be that one's", async () => {
    const { commitId } = await newRepoWith(
      bob,
      { name: "watercolor-of-twin", kind: "finetune", base: "bob/twin" },
      await starterFiles("watercolor"),
    );
    await workOff("inspect");
    expect(await factsOf(commitId)).toMatchObject({
      agrees: false,
      detectedBase: { how: "by its weights", medianCosine: expect.closeTo(0.994, 2) },
    });
    const view = await getInspection(anonymous, { owner: "bob", repo: "watercolor-of-twin" }, "main");
    expect(view.facts).toMatchObject({ declaredBase: { repo: "bob/twin" }, detectedBase: { repo: "ann/storybook" } });
  });

  test("a private base of somebody else is neither taken nor named", async () => {
    const eve = await newPerson("eve");
    await newRepoWith(eve, { name: "secret", kind: "base", visibility: "private" }, base);
    await workOff("inspect");
    const { commitId } = await newRepoWith(
      bob,
      { name: "neon", kind: "finetune", base: "bob/twin" },
      await starterFiles("neon-lora"),
    );
    const own = await newRepoWith(
      eve,
      { name: "neon", kind: "finetune", base: "eve/secret" },
      await starterFiles("neon-lora"),
    );
    await workOff("inspect");
    expect((await factsOf(commitId)).fittingBases).toHaveLength(2);
    expect((await factsOf(own.commitId)).fittingBases).toHaveLength(3);
    const names = async (actor: Person | typeof anonymous) =>
      (await getInspection(actor, { owner: "eve", repo: "neon" }, "HEAD"))
        .facts!.fittingBases.map(({ repo }) => repo)
        .toSorted();
    expect(await names(eve)).toEqual(["ann/storybook", "bob/twin", "eve/secret"]);
    expect(await names(anonymous)).toEqual(["ann/storybook", "bob/twin", null]);
  });
});

describe("what cannot be used is said in a sentence", () => {
  const inspected = async (name: string, kind: "base" | "finetune" | "guide", files: Files) => {
    const { commitId } = await newRepoWith(ann, { name, kind }, files);
    await workOff("inspect");
    return inspectionOf(commitId);
  };

  test("malformed bytes fail the inspection", async () => {
    const whole = await readFile(starter("neon-lora/neon.safetensors"));
    const row = await inspected("cut", "finetune", { "neon.safetensors": whole.subarray(0, -1) });
    expect(row).toMatchObject({
      state: "failed",
      facts: null,
      problem: expect.stringContaining("cut/neon.safetensors: its tensors take"),
    });
    await expect(runnableModel(row.commitId)).rejects.toMatchObject({
      code: "unsupported_model",
      message: expect.stringContaining(row.problem!),
    });
  });

  test("a commit without weights is nothing that runs", async () => {
    expect(await inspected("empty", "finetune", { "README.md": "# Soon" })).toMatchObject({
      state: "succeeded",
      contract: null,
      facts: {
        kind: "unknown",
        runs: false,
        mainFile: null,
        whatRuns: expect.stringContaining("neither a model_index.json nor safetensors files"),
      },
    });
  });

  test("several weights files are not guessed from", async () => {
    const { "neon.safetensors": neon } = await starterFiles("neon-lora");
    expect(
      (await inspected("epochs", "finetune", { "neon-1.safetensors": neon!, "neon-2.safetensors": neon! })).facts,
    ).toMatchObject({
      kind: "unknown",
      runs: false,
      whatRuns: expect.stringContaining("there are 2 weights files at its top"),
    });
  });

  test("a checkpoint in one file is named and kept, and runs later", async () => {
    const row = await inspected("single", "base", {
      "model.safetensors": safetensors({ "model.diffusion_model.input_blocks.0.0.weight": [1, 1, 1, 1] }),
    });
    expect(row.facts).toMatchObject({ kind: "single-file checkpoint", runs: false, mainFile: "model.safetensors" });
  });

  test("a thing in a repo of another kind pairs with nothing", async () => {
    const row = await inspected("not-a-guide", "guide", await starterFiles("neon-lora"));
    expect(row).toMatchObject({
      contract: null,
      facts: {
        kind: "low-rank fine-tune",
        runs: false,
        problems: [
          "This repo is a guide, and what is in it is a low-rank fine-tune; put it into a repo of its own kind.",
        ],
      },
    });
  });

  test("text of strangers that PostgreSQL cannot keep is kept as well as it can be", async () => {
    const index = JSON.stringify({ _class_name: "Odd\0Pipeline\ud800" });
    const row = await inspected("odd", "base", { ...base, "model_index.json": index });
    expect(row).toMatchObject({
      state: "succeeded",
      facts: {
        kind: "diffusers folder",
        form: "Odd\ufffdPipeline\ufffd",
        runs: false,
        problems: [expect.stringContaining("is a pipeline Odd\ufffdPipeline")],
      },
    });
  });
});

test("a result that comes late changes nothing", async () => {
  const { commitId } = await newRepoWith(ann, { name: "late", kind: "finetune" }, await starterFiles("neon-lora"));
  const { id } = await inspectionOf(commitId);
  const [first, second] = [await claimJob("inspect", id), await claimJob("inspect", id)]; // the worker of the first was lost
  expect([first, second]).toEqual([1, 2]);
  const facts = await factsOf(
    (await database().inspection.findFirstOrThrow({ where: { state: "succeeded" } })).commitId,
  );
  const write = (attempt: number) =>
    inTransaction(database(), (transaction) =>
      recordInspection(transaction, id, attempt, {
        facts,
        contract: null,
        weightsSha256: null,
        ownWeightsSha256: null,
        baseCommitId: null,
      }),
    );
  expect(await write(1)).toBe(false);
  expect(await inspectionOf(commitId)).toMatchObject({ state: "running", facts: null });
  await updateRepo(ann, { owner: "ann", repo: "late" }, { base: "ann/storybook" }); // what is being read now does not know of it
  expect(await write(2)).toBe(false);
  expect(await claimJob("inspect", id)).toBe(3);
  expect(await write(3)).toBe(true);
  expect(await write(3)).toBe(false);
  expect(await claimJob("inspect", id)).toBeNull();
});

/** Weights of the base's shapes that have nothing in common with it. */
async function strangeWeights(): Promise<Uint8Array> {
  const path = await alteredFile(
    starter("storybook/unet/diffusion_pytorch_model.safetensors"),
    `${hub.folder}/strange.safetensors`,
    ({ tensors }) => {
      for (const { data } of tensors.values()) data.reverse();
    },
  );
  return readFile(path);
}

function safetensors(shapes: Record<string, number[]>): Uint8Array {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes))
    header[name] = { dtype: "F32", shape, data_offsets: [end, (end += 4 * shape.reduce((a, b) => a * b, 1))] };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(end)]);
}
