import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { distillationForm, toNewDistillation } from "#lib/catalog/distillations/form.ts";
import { type DistillationView, newDistillation } from "#lib/catalog/distillations/schema.ts";
import {
  cancelDistillation,
  costOf,
  createDistillation,
  pauseDistillation,
  resumeDistillation,
} from "#lib/catalog/distillations/service.ts";
import { getAsked, publishGuide } from "#lib/catalog/distillations/work.ts";
import { distillationIn, getDistillation, listDistillations } from "#lib/catalog/distillations/views.ts";
import { getJobTimeline, listJobs } from "#lib/catalog/jobs/service.ts";
import { setQuota } from "#lib/catalog/quotas/service.ts";
import { costQuery } from "#lib/catalog/distillations/schema.ts";
import { database } from "#lib/db/client.ts";
import { newPerson, tokenOf } from "../../support/actors.ts";
import { claimJob } from "../../support/attempts.ts";
import { familyFiles, newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub({ GUIDEPOST_DISTILL: "operators" });
let ann: Person; // an operator
let ben: Person;
beforeAll(async () => {
  [ann, ben] = [await newPerson("ann", { isOperator: true }), await newPerson("ben")];
  await newRepoWith(ann, { name: "base", kind: "base" }, await familyFiles("sd1"));
  await newRepoWith(ann, { name: "hidden", kind: "base", visibility: "private" }, await familyFiles("sd1"));
  await newRepoWith(ann, { name: "lora", kind: "base" }, await starterFiles("neon-lora"));
  await newRepoWith(ann, { name: "notes", kind: "base" }, { "README.md": "Nothing yet." });
  await newRepoWith(ann, { name: "tuned", kind: "finetune", base: "ann/base" }, await familyFiles("sd1"));
  await newRepoWith(ann, { name: "guide", kind: "guide", base: "ann/base" }, await starterFiles("guide-tiny"));
  await workOff("inspect");
}, 600_000);
afterAll(() => hub.close());

let count = 0;
const asking = (more: object = {}) =>
  newDistillation.parse({ base: "ann/base", owner: "ann", name: `made-${count++}`, share: 0.5, ...more });
const begin = (more: object = {}): Promise<DistillationView> => createDistillation(ann, asking(more));

describe("what is refused is told in a sentence with the way out, and leaves no repo", () => {
  test.each<[string, object, string, RegExp]>([
    ["a low-rank file as a base", { base: "ann/lora" }, "unsupported_model", /cannot be used|low-rank fine-tune/],
    ["a fine-tune", { base: "ann/tuned" }, "unsupported_model", /is a fine-tune, .* distil the base/],
    ["a guide", { base: "ann/guide" }, "unsupported_model", /is a guide, .* name a base/],
    ["a base without a UNet", { base: "ann/notes" }, "unsupported_model", /ann\/notes /],
    ["a base that is not there", { base: "ann/nothing" }, "repo_not_found", /no repo ann\/nothing/],
    ["no prompts", { prompts: [" ", ""] }, "bad_request", /list of prompts is empty.*one a line/],
    ["guidance below 1", { guidance: { low: 0.5, high: 8 } }, "bad_request", /begins below 1/],
    ["reversed guidance", { guidance: { low: 8, high: 1 } }, "bad_request", /is reversed; give a range/],
    ["a share too small for any network", { share: 1e-4 }, "bad_request", /ask for a share of 0\.\d+ or more/],
    ["a share of more than half", { share: 0.7 }, "bad_request", /at most 0\.5/],
    ["a name in use", { name: "base" }, "conflict", /There is a repo ann\/base already/],
    ["a public guide of a private base", { base: "ann/hidden", visibility: "public" }, "bad_request", /private/],
    ["another's namespace", { owner: "nobody" }, "not_found", /nobody/],
  ])("%s", async (_what, more, code, message) => {
    const before = await database().repo.count();
    await expect(begin(more)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await database().repo.count()).toBe(before);
  });

  test("somebody whom the operator does not let", async () => {
    const own = { ...asking(), owner: "ben" };
    await expect(createDistillation(ben, own)).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/only operators make guides; ask one of them/),
    });
    await expect(createDistillation(tokenOf(ann, "read", "write"), asking())).rejects.toMatchObject({
      code: "forbidden",
    });
    await expect(createDistillation(anonymous, asking())).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("somebody whose device time of the day is used up, and the name stays free", async () => {
    await setQuota(theHub, "ann", { deviceSeconds: 0 });
    const asked = asking();
    await expect(createDistillation(ann, asked)).rejects.toMatchObject({
      code: "rate_limited",
      detail: { quota: "deviceSeconds" },
    });
    expect(await database().repo.count({ where: { name: asked.name } })).toBe(0);
    await setQuota(theHub, "ann", { deviceSeconds: null });
    const { id } = await createDistillation(ann, asked);
    await cancelDistillation(ann, id);
  });

  test("what a form cannot mean, beside its field", () => {
    const fields = distillationForm.parse({ base: "ann/base", name: "not a name", prompts: "" });
    expect(() => toNewDistillation(fields, "ann")).toThrow(expect.objectContaining({ detail: { field: "name" } }));
    const whole = toNewDistillation(
      distillationForm.parse({ base: "ann/base", name: "lab/x", prompts: "a\n\nb" }),
      "ann",
    );
    expect(whole).toMatchObject({
      owner: "lab",
      name: "x",
      prompts: ["a", "b"],
      guidance: { low: 1, high: 8 },
      steps: 1500,
    });
  });
});

describe("a distillation that waits", () => {
  test("has an empty repo of its own, a need of memory, and a place in the list of jobs", async () => {
    const one = await begin({ steps: 100, batch: 4 });
    expect(one).toMatchObject({
      state: "queued",
      keptSteps: null,
      isMine: true,
      mayChange: true,
      losses: [],
      samples: [],
    });
    const repo = await database().repo.findFirstOrThrow({ where: { name: one.guide.repo.split("/")[1]! } });
    expect(repo).toMatchObject({ kind: "guide", visibility: "public", hasCommits: false });
    const { memory } = await costOf(ann, costQuery.parse({ base: "ann/base", share: 0.5, batch: 4 }));
    const job = await database().job.findFirstOrThrow({ where: { subjectId: one.id } });
    expect(job).toMatchObject({
      kind: "distill",
      lane: "hours",
      resource: "compute",
      needsBytes: BigInt(Math.ceil(memory)),
    });
    const { items } = await listJobs(ben, { kind: "distill", state: "queued", mine: false, limit: 10 });
    expect(items).toMatchObject([{ subjectId: one.id, repo: "ann/base", guide: one.guide.repo, mayChange: false }]);
    await cancelDistillation(ann, one.id);
  });

  test("fewer states in a step and fewer steps cost less", async () => {
    const cost = (more: object) => costOf(anonymous, costQuery.parse({ base: "ann/base", share: 0.5, ...more }));
    const [usual, few, short] = [await cost({}), await cost({ batch: 1 }), await cost({ steps: 10 })];
    expect(few.memory).toBeLessThan(usual.memory);
    expect(few.macs.training).toBeCloseTo(usual.macs.training / 32);
    expect(short.macs.states).toBe(usual.macs.states);
    expect(short.macs.training).toBeCloseTo(usual.macs.training / 150);
  });

  test("is paused, resumed, cancelled and begun anew, by its writers only; each is an event of its job", async () => {
    const { id } = await begin();
    for (const act of [pauseDistillation, cancelDistillation])
      await expect(act(ben, id)).rejects.toMatchObject({ code: "forbidden" });
    expect((await pauseDistillation(ann, id)).state).toBe("paused");
    await expect(resumeDistillation(ben, id)).rejects.toMatchObject({ code: "forbidden" });
    expect((await resumeDistillation(ann, id)).state).toBe("queued");
    await expect(resumeDistillation(ann, id)).rejects.toMatchObject({ code: "conflict" });
    await pauseDistillation(ann, id);
    expect((await cancelDistillation(ann, id)).state).toBe("cancelled");
    expect((await resumeDistillation(ann, id)).state).toBe("queued");
    expect((await cancelDistillation(ann, id)).state).toBe("cancelled");
    const { events } = await getJobTimeline(ann, id);
    expect(events.map(({ message }) => message)).toEqual([
      "Waiting for a worker.",
      "Paused.",
      "Waiting for a worker.",
      "Paused.",
      "Waiting for a worker.",
      "Cancelled.",
    ]);
  });

  test("of a private base is for whoever may read both", async () => {
    const { id, guide } = await begin({ base: "ann/hidden" });
    expect(await database().repo.findFirst({ where: { name: guide.repo.split("/")[1]! } })).toMatchObject({
      visibility: "private",
    });
    await database().repo.updateMany({ where: { name: guide.repo.split("/")[1]! }, data: { visibility: "public" } });
    const { repoId } = await database().distillation.findUniqueOrThrow({ where: { id } });
    expect([await distillationIn(ann, repoId), await distillationIn(ben, repoId)]).toEqual([
      { id, state: "queued" },
      null,
    ]);
    await expect(getDistillation(ben, id)).rejects.toMatchObject({ code: "not_found" });
    expect((await listDistillations(ben, { mine: false, limit: 100 })).items.map((one) => one.id)).not.toContain(id);
    expect((await getDistillation(ann, id)).base!.repo).toBe("ann/hidden");
    expect((await listDistillations(ann, { mine: true, limit: 100 })).items.map((one) => one.id)).toContain(id);
  });

  test("of a base that became private goes on only into a private repo, and is no stranger's", async () => {
    await newRepoWith(ann, { name: "turned", kind: "base" }, await familyFiles("sd1"));
    await workOff("inspect");
    const { id, guide } = await begin({ base: "ann/turned" });
    const setVisibility = (name: string, visibility: "public" | "private") =>
      database().repo.updateMany({ where: { name }, data: { visibility } });
    await pauseDistillation(ann, id);
    await setVisibility("turned", "private");
    await expect(resumeDistillation(ann, id)).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/base has become private.*make the guide's repo private/),
    });
    await setVisibility(guide.repo.split("/")[1]!, "private");
    expect(await resumeDistillation(ann, id)).toMatchObject({ state: "queued" });

    await setVisibility(guide.repo.split("/")[1]!, "public");
    await expect(getDistillation(ben, id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("is not published in a public repo when its base became private while it was made", async () => {
    await newRepoWith(ann, { name: "turning", kind: "base" }, await familyFiles("sd1"));
    await workOff("inspect");
    const { id } = await begin({ base: "ann/turning" });
    const attempt = (await claimJob("distill", id))!;
    const asked = await getAsked(id);
    await database().repo.updateMany({ where: { name: "turning" }, data: { visibility: "private" } });
    await expect(publishGuide(id, attempt, asked, { files: [], record: {}, seconds: 1 })).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringMatching(/base has become private.*make the guide's repo private/),
    });
  });

  test("is its asker's, and no more an operator's than anybody's", async () => {
    const carl = await newPerson("carl", { isOperator: true });
    const { id } = await begin();
    expect((await getDistillation(ann, id)).isMine).toBe(true);
    expect((await getDistillation(carl, id)).isMine).toBe(false);
    expect((await listDistillations(carl, { mine: true, limit: 100 })).items).toEqual([]);
  });
});
