import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { getPreview } from "#lib/catalog/previews/views.ts";
import { database } from "#lib/db/client.ts";
import { ask, fillPreviewHub } from "../support/previews.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
const workers: ChildProcess[] = [];
afterAll(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  await hub.close();
});

/** The worker of a hub, ready; `failpoint`: the step after which it kills itself. */
async function start(failpoint = ""): Promise<ChildProcess> {
  const main = fileURLToPath(new URL("../../workers/hub/main.ts", import.meta.url));
  const worker = spawn(process.execPath, [main], {
    env: { ...process.env, ...hub.variables, GUIDEPOST_FAILPOINT: failpoint },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  workers.push(worker);
  await once(worker, "message");
  return worker;
}

test("a preview whose worker is killed is drawn by another, and nobody sees it done twice", async () => {
  const { ann } = await fillPreviewHub();
  const killed = await start("preview.stored:2");
  const { id } = await ask(ann);
  expect(await once(killed, "exit")).toEqual([null, "SIGKILL"]);
  const before = await getPreview(ann, id);
  expect(before).toMatchObject({ state: "running", pictures: [{ mode: "conditional" }] }); // the second had bytes, and no row yet
  await start();
  await expect.poll(async () => (await getPreview(ann, id)).state).toBe("succeeded");
  const { pictures } = await getPreview(ann, id);
  expect(pictures.map(({ mode }) => mode)).toEqual(["conditional", "guide", "cfg"]);
  expect(pictures[0]!.url).toBe(before.pictures[0]!.url); // the same bytes, still there
  expect(await database().previewImage.groupBy({ by: ["attempt"], where: { previewId: id }, _count: true })).toEqual([
    { attempt: 2, _count: 3 },
  ]);
});
