import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { decode } from "fast-png";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import type { JobTimeline } from "#lib/catalog/jobs/schema.ts";
import type { PairView, Partner } from "#lib/catalog/pairs/schema.ts";
import { modes, type PreviewView } from "#lib/catalog/previews/schema.ts";
import { PART_BYTES, type UploadView } from "#lib/catalog/uploads/schema.ts";
import { readPngText } from "#lib/picture/png.ts";
import { parseRecipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { starterFiles } from "../support/evidence.ts";
import { openEvents, type ReceivedEvent } from "../support/event-stream.ts";
import { inEmbeddedDatabase } from "../support/embedded-database.ts";
import { expectWhole, s3Variables } from "../support/fsck-hub.ts";
import { eventually, HubMember, must, retouched } from "../support/hub-member.ts";
import { measureOnly } from "../support/held-checks.ts";
import { freePort } from "../support/free-port.ts";
import { newFolder, type ProcessName, removeFolder, type RunningHub, startHub } from "../support/running-hub.ts";
import { noS3Server, type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ApiAnswer, sha256Of, UploadClient, weightsOf } from "../support/upload-client.ts";

vi.setConfig({ testTimeout: 480_000, hookTimeout: 400_000 }); // the first start builds the pages; two guides are a minute of work for a machine that has nothing else to do

const UNET = "unet/diffusion_pytorch_model.safetensors";
const run = promisify(execFile);
const hasCurl = await run("curl", ["--version"]).then(
  () => true,
  () => false,
);

/** The story of one hub, told in order: each test goes on where the one before it ended. */
describe.each([
  { store: "disk", missing: null },
  { store: "S3", missing: noS3Server },
])("a hub on $store", ({ store, missing }) => {
  let [folder, link, model, big]: string[] = [];
  let s3: S3Server | null = null;
  let hub: RunningHub;
  let ann: HubMember;
  let ben: HubMember;
  const hugeFile = weightsOf(store === "disk" ? 300e6 : 100e6, 1);
  let began: number;

  beforeAll(async () => {
    if (missing) return;
    s3 = store === "S3" ? await startS3Server() : null;
    folder = await newFolder();
    hub = await startHub({ folder, port: await freePort(), variables: variables() });
    await measureOnly(folder, [], { others: 4 }); // nothing of the starter's; what ann uploads is measured, of as many prompts
  });
  beforeEach(({ skip }) => missing !== null && skip(missing));
  afterAll(async () => {
    await hub?.stop();
    await s3?.stop();
    if (folder) await removeFolder(folder);
  });

  const variables = (): Record<string, string> => (s3 ? s3Variables(s3.settings) : {});

  const weightsInUse = async (): Promise<string> =>
    sha256Of(retouched((await starterFiles("watercolor"))[UNET] as Buffer));

  /** Kills a process and waits until another is there in its place. */
  async function killAndWait(name: ProcessName): Promise<void> {
    const before = hub.processes().get(name)!;
    process.kill(before, "SIGKILL");
    await eventually(
      `a new ${name}`,
      async () => hub.processes().get(name) ?? before,
      (now) => now !== before,
    );
  }

  const inspected = async (repo: string): Promise<InspectionView> => {
    const ended = await eventually(
      `the inspection of ${repo}`,
      async () => (await ann.ask("GET", `/repos/${repo}/inspection`)).body as InspectionView,
      ({ state }) => state === "succeeded" || state === "failed",
    );
    expect(ended).toMatchObject({ state: "succeeded", problem: null });
    return ended;
  };
  const guidesFor = async (repo: string): Promise<Partner[]> =>
    (await ann.ask("GET", `/repos/${repo}/guides`)).body.items as Partner[];
  const paths = async (repo: string): Promise<string[]> =>
    ((await ann.ask("GET", `/repos/${repo}/tree?recursive=true`)).body.items as { path: string; type: string }[])
      .filter(({ type }) => type === "file")
      .map(({ path }) => path);

  test("the link of the first start makes one person its owner", async () => {
    link = /^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!;
    expect((await fetch(link)).status).toBe(200);
    ann = await HubMember.join(link, "ann");
    expect((await ann.ask("GET", "/me")).body).toMatchObject({
      username: "ann",
      isOperator: true,
      scopes: ["read", "write", "run"],
    });
    await expect(HubMember.join(link, "eve")).rejects.toThrow(/^403: .*"code":"forbidden"/);
    ben = await HubMember.join(must(201, await ann.asBrowser("POST", "/invitations", {})).body.url as string, "ben");
    expect((await ben.ask("GET", "/me")).body).toMatchObject({ username: "ben", isOperator: false });
  });

  test("a model that says nothing of its base is known by its weights", async () => {
    began = Date.now();
    model = await ann.newRepo("meadow");
    const { "README.md": _, ...files } = await starterFiles("watercolor"); // its card names the base
    const isWeights = (path: string): boolean => path.endsWith(".safetensors");
    const operations = await Promise.all(
      Object.entries(files).map(async ([path, content]) => {
        const bytes = path === UNET ? retouched(content as Buffer) : Buffer.from(content);
        return isWeights(path)
          ? { op: "add" as const, path, upload: await ann.verified(model!, path, bytes) }
          : { op: "add" as const, path, content: bytes.toString("base64"), encoding: "base64" as const };
      }),
    );
    must(201, await ann.commit(model, operations));
    const { facts } = await inspected(model);
    expect(facts).toMatchObject({
      kind: "diffusers folder",
      declaredBase: null,
      detectedBase: { repo: "guidepost/storybook", how: "by its weights" },
    });
    console.info(`on ${store}: inspected ${((Date.now() - began) / 1000).toFixed(1)} s after the first request`);
  });

  const bothGuidesOf = (repo: string): Promise<Partner[]> =>
    eventually(
      "its guides",
      () => guidesFor(repo),
      (items) => items.length === 2 && items.every(({ pair }) => pair !== null),
    );
  const giveUp = async (partners: readonly Partner[]): Promise<void> => {
    for (const { pair } of partners) await ann.ask("POST", `/pairs/${pair}/cancel`);
  };

  const judged = store === "disk" ? ["guidepost/guide-tiny", "guidepost/guide-distilled"] : ["guidepost/guide-tiny"];
  test(`${judged.join(" and ")} judged on it`, async () => {
    await giveUp((await bothGuidesOf(model!)).filter(({ repo }) => !judged.includes(repo)));
    const guides = await eventually(
      "the guides judged",
      async () => (await guidesFor(model!)).filter(({ repo }) => judged.includes(repo)),
      (items) => items.every(({ measuredAt }) => measuredAt !== null), // at their first look
      420,
    );
    const tiny = guides.find(({ repo }) => repo === "guidepost/guide-tiny")!;
    expect(tiny).toMatchObject({ problem: null, stale: null });
    // Its weights are nobody's that the judge was tested on.
    expect(tiny).toMatchObject({ verdict: "notMeasured", recovered: null });
    const { measured, measurements } = (await ann.ask("GET", `/pairs/${tiny.pair}`)).body as PairView;
    expect(measured!.files).toContainEqual(expect.objectContaining({ role: "unet", sha256: await weightsInUse() }));
    expect(measurements.map(({ level }) => level)).toEqual([0, 1, 2, 5]);
  });

  test("a low-rank file is known by the base that its layers fit", async () => {
    const repo = await ann.newRepo("clay-too");
    const upload = await ann.verified(
      repo,
      "clay.safetensors",
      retouched((await starterFiles("clay-lora"))["clay.safetensors"] as Buffer),
    );
    must(201, await ann.commit(repo, [{ op: "add", path: "clay.safetensors", upload }]));
    const { facts } = await inspected(repo);
    expect(facts).toMatchObject({ kind: "low-rank fine-tune", declaredBase: null });
    expect(facts!.fittingBases.map((base) => base.repo)).toEqual(["guidepost/storybook"]);
    await giveUp(await bothGuidesOf(repo)); // nobody here needs to know how well they work on it
  });

  test("an upload goes on where the web process was killed", async () => {
    big = await ann.newRepo("big");
    const bytes = weightsOf(PART_BYTES + 1e6, 2);
    const wish = { path: "two-parts.safetensors", size: bytes.length, sha256: sha256Of(bytes) };
    const { id, partCount } = must(201, await ann.begin(big, wish, "two-parts")).body as UploadView;
    expect([partCount, await ann.send(id, bytes, [1])]).toEqual([2, [200]]);
    await killAndWait("web");
    const again = await eventually(
      "the same upload",
      async () => (await ann.begin(big!, wish, "two-parts")).body as UploadView,
      (view) => view.id === id,
    );
    expect(again).toMatchObject({ state: "receiving", arrived: [1] });
    expect(await ann.send(id, bytes, [2])).toEqual([200]);
    must(202, await ann.complete(id));
    expect(await ann.ended(id)).toMatchObject({ state: "verified", sha256: wish.sha256 });
    must(201, await ann.commit(big, [{ op: "add", path: wish.path, upload: id }]));
    expect((await ann.get(id)).body.state).toBe("linked");
    expect(sha256Of(Buffer.from(await (await ann.download(big, wish.path)).arrayBuffer()))).toBe(wish.sha256);
  });

  /** Who is killed is the same whatever the store, so it is done once; uploads-s3.test.ts has each step there. */
  const killed = store === "disk" ? ", by another worker than the one that was killed" : "";
  test(`an upload of many parts is verified once${killed}`, async () => {
    const wish = { path: "huge.safetensors", size: hugeFile.length, sha256: sha256Of(hugeFile) };
    const { id, partCount } = must(201, await ann.begin(big!, wish, "huge")).body as UploadView;
    const numbers = Array.from({ length: partCount! }, (_, index) => index + 1);
    expect(new Set(await ann.send(id, hugeFile, numbers))).toEqual(new Set([200]));
    if (killed) await killAndWait("web"); // it has read along, and what it knew goes with it: a worker reads all
    await eventually(
      "its end announced",
      () => ann.complete(id),
      ({ status }) => status === 202,
    );
    if (killed) {
      await eventually(
        "the hashing",
        async () => (await ann.get(id)).body as UploadView,
        ({ progress }) => progress !== null && progress.done > 0,
      );
      await killAndWait("worker");
      await inEmbeddedDatabase(folder!, async (client) => {
        // Ten seconds without a word from it, at once.
        await client.query("UPDATE pgboss.job SET heartbeat_on = now() - interval '1 minute' WHERE state = 'active'");
      });
    }
    expect(await ann.ended(id)).toMatchObject({ state: "verified", sha256: wish.sha256 });
    const { attempt, events } = await eventually(
      "the end told",
      async () => (await ann.ask("GET", `/jobs/${id}`)).body as JobTimeline,
      (job) => job.events.some(({ kind }) => kind === "succeeded"),
    );
    expect([
      attempt,
      events.filter(({ kind }) => kind !== "progress").map((event) => `${event.kind} ${event.attempt}`),
    ]).toEqual(
      killed
        ? [2, ["queued 0", "started 1", "retried 1", "started 2", "succeeded 2"]]
        : [1, ["queued 0", "started 1", "succeeded 1"]],
    );
    must(201, await ann.commit(big!, [{ op: "add", path: "huge.safetensors", upload: id }]));
  });

  test.skipIf(!hasCurl)("curl goes on where it was cut off, and takes a piece from the middle", async () => {
    const [address, file] = [ann.address(big!, "huge.safetensors"), join(folder!, "downloaded")];
    const curl = ["-sSfL", "-H", `Authorization: ${ann.authorization.authorization}`];
    const first = spawn("curl", [...curl, "--limit-rate", "10M", "-o", file, address], { stdio: "ignore" });
    await eventually(
      "some of the file",
      async () => (await stat(file)).size,
      (size) => size > 20e6,
    );
    first.kill("SIGKILL");
    await once(first, "exit");
    expect((await stat(file)).size).toBeLessThan(hugeFile.length);
    const { stdout } = await run("curl", [
      ...curl,
      "-C",
      "-",
      "-w",
      "%{http_code} %{size_download}",
      "-o",
      file,
      address,
    ]);
    const [status, came] = stdout.split(" ").map(Number);
    expect(status).toBe(206);
    expect(came).toBeLessThan(hugeFile.length - 20e6 + 1);
    expect(sha256Of(await readFile(file))).toBe(sha256Of(hugeFile));
    const piece = await run("curl", [...curl, "--range", "1000000-1000999", address], { encoding: "buffer" });
    expect(piece.stdout.equals(hugeFile.subarray(1_000_000, 1_001_000))).toBe(true);
  });

  test("a download says its name, and is not sent to who has it", async () => {
    const weights = await ann.download(big!, "two-parts.safetensors", { range: "bytes=0-9" });
    expect([weights.status, weights.headers.get("content-disposition")]).toEqual([
      206,
      expect.stringMatching(/^attachment; .*filename="two-parts\.safetensors"/),
    ]);
    const small = await ann.download(model!, "model_index.json");
    const content = Buffer.from(await small.arrayBuffer());
    expect(content.equals((await starterFiles("watercolor"))["model_index.json"] as Buffer)).toBe(true);
    expect(small.headers.get("x-content-sha256")).toBe(sha256Of(content));
    const again = await ann.download(model!, "model_index.json", { "if-none-match": small.headers.get("etag")! });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
  });

  test("a preview comes live, carries what made it, and comes out the same again", async () => {
    const asked = {
      finetune: model,
      guide: "guidepost/guide-tiny",
      prompt: "a big purple mushroom in the snow",
      seed: 1,
    };
    const drawn = await drawWhole(must(202, await ann.ask("POST", "/previews", asked)).body as PreviewView);
    const pictures = await picturesOf(drawn.view);
    expect([...pictures.keys()]).toEqual([...modes]);
    expect(drawn.events.filter(({ name }) => name === "picture").map(({ data }) => data.mode as string)).toEqual([
      ...modes,
    ]);
    expect(drawn.events.some(({ name, data }) => name === "progress" && data.step > 0)).toBe(true);
    const passes = { conditional: 20, guide: 20, cfg: 40 };
    for (const [mode, png] of pictures) {
      const recipe = parseRecipe(readPngText(png).get("guidepost")!);
      expect(recipe).toMatchObject({
        mode,
        prompt: asked.prompt,
        seed: 1n,
        steps: 20,
        passes: passes[mode as keyof typeof passes],
      });
      expect(toRecipeJson(recipe)).toEqual(drawn.view.pictures.find((picture) => picture.mode === mode)!.recipe);
      expect(recipe.files).toContainEqual(expect.objectContaining({ role: "unet", sha256: await weightsInUse() }));
    }
    const rerun = await drawWhole(
      must(202, await ann.ask("POST", `/previews/${drawn.view.id}/rerun`, {})).body as PreviewView,
    );
    expect(rerun.view.id).not.toBe(drawn.view.id);
    for (const [mode, png] of await picturesOf(rerun.view))
      expect([mode, Buffer.compare(pixelsOf(png), pixelsOf(pictures.get(mode)!))]).toEqual([mode, 0]);
  });

  if (store === "disk")
    test("a preview that is cancelled ends, and nothing comes after it", async () => {
      const asked = { finetune: model, guide: "guidepost/guide-tiny", prompt: "a small red house", seed: 2 };
      const { id } = must(202, await ann.ask("POST", "/previews", { ...asked, steps: 100 })).body as PreviewView;
      const stream = await openEvents(`${hub.url}/api/v1/previews/${id}/events`, ann.authorization);
      for (let event = await stream.next(); event?.name !== "picture"; event = await stream.next())
        expect(event?.name).not.toBe("end");
      must(200, await ann.ask("POST", `/previews/${id}/cancel`));
      let last: ReceivedEvent | null = null;
      for (let event = await stream.next(); event !== null; event = await stream.next()) last = event;
      expect(last).toEqual({ name: "end", data: { state: "cancelled", problem: null } });
      const atTheEnd = (await ann.ask("GET", `/previews/${id}`)).body as PreviewView;
      expect(atTheEnd.pictures.length).toBeLessThan(3);
      // What is drawn after it comes from the same process, which by then has left it.
      await drawWhole(must(202, await ann.ask("POST", "/previews", { ...asked, steps: 1 })).body as PreviewView);
      expect((await ann.ask("GET", `/previews/${id}`)).body).toEqual(atTheEnd);
    });

  async function drawWhole({ id }: PreviewView): Promise<{ events: ReceivedEvent[]; view: PreviewView }> {
    const stream = await openEvents(`${hub.url}/api/v1/previews/${id}/events`, ann.authorization);
    const events: ReceivedEvent[] = [];
    for (let event = await stream.next(); event !== null; event = await stream.next()) events.push(event);
    expect(events.at(-1)).toEqual({ name: "end", data: { state: "succeeded", problem: null } });
    return { events, view: (await ann.ask("GET", `/previews/${id}`)).body as PreviewView };
  }

  const picturesOf = async (view: PreviewView): Promise<Map<string, Uint8Array>> =>
    new Map(
      await Promise.all(
        view.pictures.map(
          async ({ mode, url }) =>
            [mode, new Uint8Array(await (await fetch(url, { headers: ann.authorization })).arrayBuffer())] as const,
        ),
      ),
    );
  const pixelsOf = (png: Uint8Array): Buffer => Buffer.from(decode(png).data.buffer);

  if (store === "disk")
    test("what is private is not there for anybody else, at any door", async () => {
      const [pair, preview] = [
        (await guidesFor(model!))[0]!.pair,
        ((await ann.ask("GET", "/previews?mine=true")).body.items as PreviewView[])[0]!.id,
      ];
      const upload = must(201, await ann.begin(model!, { path: "a.txt", size: 1 })).body.id as string;
      const doorsOf = (repo: string): string[] =>
        ["", "/tree", "/commits", "/commits/main", "/refs", "/inspection", "/guides", "/fits"]
          .map((door) => `/repos/${repo}${door}`)
          .concat(`/pairs?finetune=${repo}`, `/previews?finetune=${repo}`);
      const shown = ({ status, headers, body }: ApiAnswer, repo: string): object => ({
        status,
        code: body.code,
        hubCode: headers.get("x-error-code"),
        error: (body.error as string).replaceAll(repo, "REPO"),
      });
      for (const who of [new UploadClient(hub.url, null), ben]) {
        for (const [door, absent] of doorsOf(model!).map((each, i) => [each, doorsOf("ann/nothing")[i]!] as const)) {
          const answer = shown(await who.ask("GET", door), model!);
          expect([door, answer]).toEqual([
            door,
            { status: 404, code: "repo_not_found", hubCode: "RepoNotFound", error: expect.any(String) },
          ]);
          expect(answer).toEqual(shown(await who.ask("GET", absent), "ann/nothing"));
        }
        for (const door of [
          `/pairs/${pair}`,
          `/previews/${preview}`,
          `/previews/${preview}/pictures/cfg`,
          `/previews/${preview}/events`,
        ])
          expect([door, (await who.ask("GET", door)).status]).toEqual([door, 404]);
        for (const list of ["/repos?limit=100", "/pairs?limit=100", "/previews?limit=100"])
          expect(JSON.stringify((await who.ask("GET", list)).body)).not.toContain(model);
      }
      for (const path of ["model_index.json", "unet/diffusion_pytorch_model.safetensors", "nothing"]) {
        for (const headers of [{}, ben.authorization]) {
          const answer = await fetch(ann.address(model!, path), { headers, redirect: "manual" });
          expect([answer.status, answer.headers.get("x-error-code")]).toEqual([404, "RepoNotFound"]);
        }
      }
      // What needs an account asks who you are before it looks at what you ask for.
      const nobody = new UploadClient(hub.url, null);
      for (const door of [`/repos/${model}/uploads`, `/uploads/${upload}`, `/jobs/${upload}`, "/jobs"])
        expect([door, (await nobody.ask("GET", door)).status]).toEqual([door, 401]);
      for (const door of [`/uploads/${upload}`, `/jobs/${upload}`, `/jobs/${pair}`, `/jobs/${preview}`])
        expect([door, (await ben.ask("GET", door)).status]).toEqual([door, 404]);
      for (const answer of [
        await ben.ask("GET", `/repos/${model}/uploads`),
        await ben.begin(model!, { path: "b.txt", size: 1 }),
        await ben.commit(model!, [{ op: "delete", path: "README.md" }]),
        await ben.ask("DELETE", `/repos/${model}`),
      ]) {
        expect(answer).toMatchObject({ status: 404, body: { code: "repo_not_found" } });
      }
      expect(JSON.stringify((await ben.ask("GET", "/jobs?limit=100")).body)).not.toContain(model);
      must(204, await ann.abort(upload));
    });

  test("a file that is not what it says is refused with a sentence, and nothing of it is in the repo", async () => {
    const before = await paths(big!);
    const files: [path: string, bytes: Buffer, problem: RegExp][] = [
      [
        "model.safetensors",
        Buffer.concat([Buffer.from("\x80\x04\x95", "latin1"), Buffer.alloc(1000, 1)]),
        /^model\.safetensors: it is a Python pickle, not safetensors; .+\.$/,
      ],
      ["cut.safetensors", weightsOf(10_000).subarray(0, 9_000), /^cut\.safetensors: .+; .+\.$/],
      [
        "model.ckpt",
        Buffer.concat([Buffer.from("\x80\x02}q\0.", "latin1")]),
        /^model\.ckpt is a Python pickle, and opening one can run code; .+\.$/,
      ],
    ];
    for (const [path, bytes, problem] of files) {
      const { id } = await ann.upload(big!, path, bytes);
      const { state, problem: said } = await ann.ended(id);
      expect([state, said]).toEqual(["failed", expect.stringMatching(problem)]);
      expect(await ann.commit(big!, [{ op: "add", path, upload: id }])).toMatchObject({
        status: 409,
        body: { code: "already_ended", error: expect.stringContaining(said!) },
      });
    }
    expect(await paths(big!)).toEqual(before);
  });

  test("rows and bytes agree at the end", async () => {
    await expectWhole(folder!, variables());
    if (s3) expect(existsSync(join(folder!, "objects"))).toBe(false);
  });
});
