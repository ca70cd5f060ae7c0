import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { getPreview } from "#lib/catalog/previews/views.ts";
import { database } from "#lib/db/client.ts";
import { type Failpoint, failpoints } from "#lib/util/failpoint.ts";
import { newPerson } from "../support/actors.ts";
import { baseFiles, letJudge, drawOnly, newRepoWith, starterFiles, workOff } from "../support/evidence.ts";
import { ask } from "../support/previews.ts";
import { expectSound } from "../support/sound-hub.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
const main = fileURLToPath(new URL("../../workers/hub/main.ts", import.meta.url));
const hit = new Set<string>();
const workers: ChildProcess[] = [];

afterAll(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  await hub.close();
});

function start(failpoint = ""): ChildProcess {
  const worker = spawn(process.execPath, [main], {
    env: { ...process.env, ...hub.variables, GUIDEPOST_FAILPOINT: failpoint },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  workers.push(worker);
  return worker;
}

/** A worker that kills itself at each of these steps, one after the other; each time the next worker takes what it had. */
async function walk(...steps: (Failpoint | `${Failpoint}:${number}`)[]): Promise<void> {
  for (const step of steps) {
    expect(await once(start(step), "exit"), step).toEqual([null, "SIGKILL"]);
    hit.add(step.split(":")[0]!);
    // Ten seconds without a word from it, at once.
    await database()
      .$executeRaw`UPDATE pgboss.job SET heartbeat_on = now() - interval '1 minute' WHERE state = 'active'`;
    await expectSound();
  }
}

const inQueue = (): Promise<unknown> =>
  database().$queryRaw`SELECT id FROM pgboss.job WHERE state < 'completed' ORDER BY id`;

test("a worker killed at each step of a result: every result is there once, and of one attempt", async () => {
  const ann = await newPerson("ann");
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await letJudge(ann, ["ann/storybook"]);
  await newRepoWith(ann, { name: "tiny", kind: "guide", base: "ann/storybook" }, await starterFiles("guide-tiny"));
  await workOff("inspect");
  await drawOnly(2);
  await workOff("check");
  await workOff("preview"); // its sheet: what is killed below is what is named there
  const before = await inQueue(); // worked off without it, so pg-boss was never told
  const { commitId } = await newRepoWith(
    ann,
    { name: "watercolor", kind: "finetune" },
    await starterFiles("watercolor"),
  );

  await walk("inspect.claimed", "inspect.measured", "inspect.done");
  expect(await database().inspection.findMany({ where: { commitId }, select: { state: true, attempt: true } })).toEqual(
    [{ state: "succeeded", attempt: 3 }],
  );

  await drawOnly(2);
  await walk("check.measured", "check.done");
  const pair = await database().pair.findFirstOrThrow({
    where: { finetuneCommitId: commitId },
    include: { measurements: true },
  });
  // One more where the worker that died at the end of the inspection had just begun what follows from it.
  expect(pair.state).toBe("succeeded");
  expect([2, 3]).toContain(pair.attempt);
  expect(pair.measurements.map(({ level, attempt }) => [level, attempt]).toSorted()).toEqual(
    [0, 1, 2, 4, 5].map((level) => [level, pair.attempt]),
  );

  // The sheet came with what was measured: each column once, and not again with what was lost.
  const sheet = () =>
    database().preview.findMany({
      where: { pairId: pair.id },
      orderBy: { sheetIndex: "asc" },
      select: { sheetIndex: true, state: true, problem: true },
    });
  const alive = start();
  await expect.poll(sheet).toEqual([0, 1].map((sheetIndex) => ({ sheetIndex, state: "succeeded", problem: null })));
  alive.kill("SIGKILL");

  const { id } = await ask(ann);
  await walk("preview.drawn", "preview.stored:2", "preview.done");
  expect(await getPreview(ann, id)).toMatchObject({
    state: "succeeded",
    pictures: [{ mode: "conditional" }, { mode: "guide" }, { mode: "cfg" }],
  });
  expect(await database().previewImage.groupBy({ by: ["attempt"], where: { previewId: id }, _count: true })).toEqual([
    { attempt: 3, _count: 3 },
  ]);

  start(); // what the killed left in the queue comes to an end, and changes nothing
  await expect.poll(inQueue).toEqual(before);
  expect(await database().pair.findUniqueOrThrow({ where: { id: pair.id }, include: { measurements: true } })).toEqual(
    pair,
  );
  expect(await database().previewImage.count({ where: { previewId: id } })).toBe(3);
  await expectSound();
});

test("every step of results was hit", () => {
  expect([...hit].toSorted()).toEqual(
    failpoints.filter((name) => /^(?:inspect|check|preview)\./.test(name)).toSorted(),
  );
});
