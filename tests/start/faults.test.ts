import { randomUUID } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CommitResult } from "#lib/catalog/commits/schema.ts";
import type { Readiness } from "#lib/catalog/readiness/service.ts";
import { PART_BYTES, type SignedParts, type UploadView } from "#lib/catalog/uploads/schema.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { expectWhole, s3Variables } from "../support/fsck-hub.ts";
import { eventually, HubMember, must, persist } from "../support/hub-member.ts";
import { freePort } from "../support/free-port.ts";
import { newFolder, removeFolder, type RunningHub, startHub } from "../support/running-hub.ts";
import { noS3Server, type S3Server, startS3Server } from "../support/s3-server.ts";
import { type ApiAnswer, sha256Of, weightsOf } from "../support/upload-client.ts";

vi.setConfig({ testTimeout: 900_000, hookTimeout: 400_000 }); // the first start builds the pages

const linkOf = (hub: RunningHub): string => /^ {2}(\S+\/join\?invitation=\S+)$/m.exec(hub.said())![1]!;

const ready = async (hub: RunningHub): Promise<{ status: number; body: Readiness }> => {
  const answer = await fetch(`${hub.url}/readyz`);
  return { status: answer.status, body: (await answer.json()) as Readiness };
};
const whenReady = (hub: RunningHub): Promise<unknown> =>
  eventually(
    "ready",
    () => ready(hub),
    ({ status }) => status === 200,
  );

/** A failure that passes, as a program is told of it. */
function expectTemporary(answer: ApiAnswer, status: number, code: string): void {
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
}

const text = (path: string, content: string) => ({ op: "add" as const, path, content });
const sha256At = async (member: HubMember, repo: string, path: string): Promise<string> =>
  sha256Of(Buffer.from(await (await member.download(repo, path)).arrayBuffer()));

describe("an S3 server that is away for ten seconds", () => {
  let [folder, repo]: string[] = [];
  let s3: S3Server;
  let proxy: FaultProxy;
  let hub: RunningHub;
  let ann: HubMember;
  const variables = (): Record<string, string> => s3Variables({ ...s3.settings, endpoint: proxy.url });

  beforeAll(async () => {
    if (noS3Server) return;
    s3 = await startS3Server();
    proxy = await startFaultProxy(s3.settings.endpoint);
    folder = await newFolder();
    hub = await startHub({ folder, port: await freePort(), variables: variables() });
    ann = await HubMember.join(linkOf(hub), "ann");
    repo = await ann.newRepo("model");
    must(201, await ann.commit(repo, [text("README.md", "# Before\n")]));
  });
  beforeEach(({ skip }) => noS3Server !== null && skip(noS3Server));
  afterAll(async () => {
    await hub?.stop();
    await proxy?.close();
    await s3?.stop();
    if (folder) await removeFolder(folder);
  });

  test("is told as what it is; metadata can be read meanwhile, and everybody goes on afterwards", async () => {
    const [bytes, read] = [weightsOf(PART_BYTES + 1e6, 3), weightsOf(150e6, 4)];
    const wish = { path: "model.safetensors", size: bytes.length };
    const key = randomUUID();
    const { id } = must(201, await ann.begin(repo!, wish, key)).body as UploadView;
    const { items } = must(200, await ann.ask("POST", `/uploads/${id}/parts`, { numbers: [1, 2] })).body as SignedParts;
    expect(await ann.send(id, bytes, [1])).toEqual([200]);
    const { id: beingRead } = await ann.upload(repo!, "other.safetensors", read);

    await proxy.goAway();
    const wentAt = performance.now();
    await expect(
      fetch(items[1]!.url, { method: "PUT", body: new Uint8Array(bytes.subarray(PART_BYTES)) }),
    ).rejects.toThrow("fetch failed");
    expectTemporary(await ann.complete(id), 503, "storage_unavailable");
    expectTemporary(await ann.begin(repo!, { path: "new.safetensors", size: 1e6 }), 503, "storage_unavailable");
    expectTemporary(await ann.get(id), 503, "storage_unavailable");
    expectTemporary(await ann.commit(repo!, [text("notes.md", "during\n")]), 503, "storage_unavailable");
    expect(await ready(hub)).toMatchObject({
      status: 503,
      body: {
        ready: false,
        database: { ok: true },
        storage: { ok: false, problem: expect.stringContaining("does not answer") },
      },
    });
    for (const path of [
      "/repos",
      "/me",
      "/jobs",
      ...["", "/tree", "/commits", "/refs", "/inspection", "/guides"].map(
        (door) => `/repos/guidepost/watercolor${door}`,
      ),
      `/repos/${repo}/uploads`,
    ]) {
      expect([path, (await ann.ask("GET", path)).status]).toEqual([path, 200]);
    }
    expect((await ann.ask("GET", "/repos/guidepost/watercolor")).body).toMatchObject({
      name: "watercolor",
      card: { text: expect.stringContaining("watercolor") as string, warnings: [] }, // the store is not asked for it
    });
    expect((await ann.download("guidepost/watercolor", "model_index.json")).status).toBe(503);
    expect((await fetch(hub.url)).status).toBe(200);
    const during = persist(() => ann.commit(repo!, [text("notes.md", "during\n")]));
    await sleep(10_000 - (performance.now() - wentAt));

    await proxy.comeBack();
    await whenReady(hub);
    must(201, await during);
    const again = must(201, await persist(() => ann.begin(repo!, wish, key))).body as UploadView;
    expect(again).toMatchObject({ id, state: "receiving", arrived: [1] });
    expect(await ann.send(id, bytes, [2])).toEqual([200]);
    must(202, await ann.complete(id));
    for (const upload of [id, beingRead])
      expect(await ann.ended(upload)).toMatchObject({ state: "verified", problem: null });
    must(
      201,
      await ann.commit(repo!, [
        { op: "add", path: wish.path, upload: id },
        { op: "add", path: "other.safetensors", upload: beingRead },
        text("README.md", "# After\n"),
      ]),
    );
    expect(
      await Promise.all(
        ["README.md", "notes.md", "model.safetensors", "other.safetensors"].map((path) => sha256At(ann, repo!, path)),
      ),
    ).toEqual([sha256Of("# After\n"), sha256Of("during\n"), sha256Of(bytes), sha256Of(read)]);
    expect((await ann.ask("GET", "/jobs?state=failed")).body.items).toEqual([]); // what workers did meanwhile waited
    await expectWhole(folder!, variables());
  });
});

describe("a hub on a disk", () => {
  let [folder, repo]: string[] = [];
  let hub: RunningHub;
  let ann: HubMember;
  /** Why the disk cannot be filled, or null. */
  let noSmallDisk: string | null = null;

  beforeAll(async () => {
    folder = await newFolder();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=800m,mode=755", "guidepost-test", folder], {
      encoding: "utf8",
    });
    if (mounted.status !== 0) noSmallDisk = `no small disk here: ${(mounted.error?.message ?? mounted.stderr).trim()}`;
    const data = join(folder, "data");
    mkdirSync(data);
    hub = await startHub({ folder: data, port: await freePort(), variables: { GUIDEPOST_STARTER: "none" } });
    ann = await HubMember.join(linkOf(hub), "ann");
    repo = await ann.newRepo("model");
  });
  afterAll(async () => {
    await hub?.stop();
    if (noSmallDisk === null) spawnSync("umount", [folder!]);
    await removeFolder(folder!);
  });

  test("loses nothing that it has said yes to when its database is killed, and is back by itself", async () => {
    const bytes = weightsOf(PART_BYTES + 1e6, 5);
    const wish = { path: "model.safetensors", size: bytes.length };
    const key = randomUUID();
    const { id } = must(201, await ann.begin(repo!, wish, key)).body as UploadView;
    expect(await ann.send(id, bytes, [1])).toEqual([200]);
    must(201, await ann.commit(repo!, [text("note-0.md", "0\n")]));

    const [postgres, start] = (["postgres", "start"] as const).map((name) => hub.processes().get(name)!) as [
      number,
      number,
    ];
    process.kill(start, "SIGSTOP"); // which starts the next one, once somebody was refused
    process.kill(postgres, "SIGKILL");
    const refused: ApiAnswer[] = [];
    const told = async (ask: () => Promise<ApiAnswer>): Promise<ApiAnswer> => {
      const answer = await ask();
      if (answer.status !== 201) refused.push(answer);
      process.kill(start, "SIGCONT");
      return answer;
    };
    const commits: string[] = [];
    const notes = [...Array(5).keys()].map((i) => i + 1);
    const again = persist(() => told(() => ann.begin(repo!, wish, key)));
    for (const i of notes)
      commits.push(
        (
          must(201, await persist(() => told(() => ann.commit(repo!, [text(`note-${i}.md`, `${i}\n`)]))))
            .body as CommitResult
        ).id,
      );
    expect(must(201, await again).body).toMatchObject({ id, state: "receiving", arrived: [1] });
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) expectTemporary(answer, 503, "database_unavailable");
    expect(hub.processes().get("postgres")).not.toBe(postgres);
    await whenReady(hub);

    expect(await ann.send(id, bytes, [2])).toEqual([200]);
    must(202, await persist(() => ann.complete(id)));
    expect(await ann.ended(id)).toMatchObject({ state: "verified" });
    commits.push(
      (must(201, await ann.commit(repo!, [{ op: "add", path: wish.path, upload: id }])).body as CommitResult).id,
    );
    const history = ((await ann.ask("GET", `/repos/${repo}/commits`)).body.items as CommitResult[]).map(
      (commit) => commit.id,
    );
    expect(history.slice(0, commits.length)).toEqual(commits.toReversed());
    expect(history).toHaveLength(commits.length + 1); // none twice
    expect(await sha256At(ann, repo!, wish.path)).toBe(sha256Of(bytes));
    expect(await Promise.all([0, ...notes].map((i) => sha256At(ann, repo!, `note-${i}.md`)))).toEqual(
      [0, ...notes].map((i) => sha256Of(`${i}\n`)),
    );
    expect((await ann.ask("GET", "/jobs?state=failed")).body.items).toEqual([]);
    await expectWhole(join(folder!, "data"));
  });

  test("that is full takes nothing more, gives what it has, and goes on when there is room", async ({ skip }) => {
    if (noSmallDisk !== null) skip(noSmallDisk);
    const bytes = weightsOf(PART_BYTES + 1e6, 6);
    const wish = { path: "second.safetensors", size: bytes.length };
    const { id } = must(201, await ann.begin(repo!, wish)).body as UploadView;
    expect(await ann.send(id, bytes, [1])).toEqual([200]);
    const ballast = join(folder!, "ballast");
    const head = await sha256At(ann, repo!, "model.safetensors");

    await fill(ballast, 60e6); // less than PostgreSQL may need, which uploads leave to it
    expect(await ann.send(id, bytes, [2])).toEqual([507]);
    expectTemporary(await ann.begin(repo!, { path: "third.safetensors", size: 1e6 }), 507, "disk_full");
    expectTemporary(await ann.commit(repo!, [text("full.md", "full\n")]), 507, "disk_full");
    expect(await ready(hub)).toMatchObject({
      status: 503,
      body: { storage: { ok: false, problem: expect.stringContaining("is full") } },
    });
    expect((await ann.get(id)).body).toMatchObject({ state: "receiving", arrived: [1] });
    expect((await ann.ask("GET", "/repos")).status).toBe(200);
    expect(await sha256At(ann, repo!, "model.safetensors")).toBe(head);
    must(201, await copyTo("copied.safetensors")); // needs no room for bytes

    await fill(`${ballast}-more`, 0); // as no upload can, and others may
    for (let i = 0; i < 10; i++) {
      expect(await ann.send(id, bytes, [2])).toEqual([507]);
      expectTemporary(await ann.begin(repo!, { path: "third.safetensors", size: 1e6 }), 507, "disk_full");
      expect((await ann.get(id)).body).toMatchObject({ state: "receiving", arrived: [1] });
      expect((await fetch(hub.url)).status).toBe(200);
      expect(await sha256At(ann, repo!, "model.safetensors")).toBe(head);
      const copied = await copyTo(`copy-${i}.safetensors`);
      if (copied.status !== 201) expectTemporary(copied, 507, "disk_full"); // rows may find a place yet
    }

    for (const path of [ballast, `${ballast}-more`]) rmSync(path);
    await whenReady(hub);
    expect(await ann.send(id, bytes, [2])).toEqual([200]);
    must(202, await ann.complete(id));
    expect(await ann.ended(id)).toMatchObject({ state: "verified" });
    must(201, await ann.commit(repo!, [{ op: "add", path: wish.path, upload: id }, text("full.md", "full\n")]));
    expect(await sha256At(ann, repo!, wish.path)).toBe(sha256Of(bytes));
    await expectWhole(join(folder!, "data"));
  });

  const copyTo = (path: string): Promise<ApiAnswer> =>
    ann.commit(repo!, [{ op: "copy", path, from: { revision: "main", path: "model.safetensors" } }]);

  /** Leaves so many bytes of the disk. */
  async function fill(path: string, left: number): Promise<void> {
    const { bavail, bsize } = statfsSync(folder!);
    const file = await open(path, "w");
    const piece = Buffer.alloc(1e6, 1);
    try {
      for (let bytes = bavail * bsize - left; bytes > 0; bytes -= piece.length) await file.write(piece);
    } catch (cause) {
      expect((cause as NodeJS.ErrnoException).code).toBe("ENOSPC"); // others wrote meanwhile
    } finally {
      await file.close();
    }
  }
});
