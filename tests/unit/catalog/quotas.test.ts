import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Actor, anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { describeMe } from "#lib/catalog/namespaces/me.ts";
import { getNamespace } from "#lib/catalog/namespaces/service.ts";
import { setQuota, showQuota } from "#lib/catalog/quotas/service.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import { MAX_UNFINISHED } from "#lib/catalog/uploads/schema.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { abortUpload } from "#lib/catalog/uploads/service.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { newOrganisation, newPerson, tokenOf } from "../../support/actors.ts";
import { expectSound } from "../../support/sound-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub({
  GUIDEPOST_QUOTA_BYTES: "1000",
  GUIDEPOST_QUOTA_FILES: "50",
  GUIDEPOST_QUOTA_REPOS: "5",
});
const PEOPLE = 20;
let [ann, ben, root, eve]: Person[] = [];
let count = 0;
let org: string;

beforeAll(async () => {
  [ann, ben, eve] = await Promise.all([newPerson("ann"), newPerson("ben"), newPerson("eve")]);
  root = await newPerson("root", { isOperator: true });
});
beforeEach(async () => {
  org = `lab-${++count}`;
  await newOrganisation(org, [
    [ann!, "owner"],
    [ben!, "writer"],
  ]);
  await make("model");
});
afterAll(async () => {
  await expectSound();
  await hub.close();
});

const make = (name: string, actor: Actor = ann!) =>
  createRepo(actor, { owner: org, name, kind: "finetune", visibility: "public" });
const begin = (size: number, actor: Actor = ann!, repo = "model") =>
  beginUpload(actor, { owner: org, repo }, { path: `f${++count}`, size });
const readme = (content: string, path = "README.md") =>
  createCommit(ann!, { owner: org, repo: "model" }, { title: "Card", operations: [{ op: "add", path, content }] });

async function settle<T>(work: readonly Promise<T>[]): Promise<{ done: T[]; failures: AppError[] }> {
  const ended = await Promise.allSettled(work);
  return {
    done: ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    failures: ended.flatMap((one) => (one.status === "rejected" ? [one.reason as AppError] : [])),
  };
}

test("of twenty begins at once, by two people, exactly those get through for whom there is room", async () => {
  const { done, failures } = await settle(Array.from({ length: PEOPLE }, (_, n) => begin(100, n % 2 ? ann! : ben!)));
  expect(done).toHaveLength(10);
  expect(failures).toHaveLength(10);
  for (const failure of failures)
    expect(failure).toMatchObject({
      code: "quota_exceeded",
      detail: { quota: "bytes", namespace: org, used: 1000, more: 100, limit: 1000 },
    });
  expect(await showQuota(org)).toMatchObject({
    bytes: { used: 0, reserved: 1000, limit: 1000 },
    files: { reserved: 10 },
  });

  await abortUpload(theHub, done[0]!.id);
  expect((await settle([begin(60), begin(60), begin(40)])).done.length).toBe(2);
  await begin(0); // takes no bytes
});

test("what is announced is given back when it expires, and when its repo is deleted", async () => {
  await begin(600);
  await begin(400);
  await expect(begin(1)).rejects.toMatchObject({ code: "quota_exceeded" });
  await database()
    .$executeRaw`UPDATE upload SET expires_at = created_at + interval '1 second' WHERE declared_size = 600`;
  await sweep(new Date(Date.now() + 60_000));
  expect(await showQuota(org)).toMatchObject({ bytes: { reserved: 400 } });
  await deleteRepo(ann!, { owner: org, repo: "model" });
  expect(await showQuota(org)).toMatchObject({
    bytes: { used: 0, reserved: 0 },
    files: { used: 0, reserved: 0 },
    repos: { used: 0 },
  });
});

test("what a commit brings counts once a repo, with its history, and goes with its repo", async () => {
  await readme("x".repeat(300));
  await readme("y".repeat(300));
  await readme("x".repeat(300)); // again
  await readme("x".repeat(300), "copy.md");
  expect(await showQuota(org)).toMatchObject({
    bytes: { used: 600, reserved: 0 },
    files: { used: 2 },
    repos: { used: 1 },
  });
  await expect(readme("z".repeat(401))).rejects.toMatchObject({
    code: "quota_exceeded",
    message: expect.stringMatching(
      /^lab-\d+ has .+ of the .+ that it may have, .+ and this would be .+ more\. Delete .+, or ask an operator/,
    ) as string,
    detail: { used: 600, more: 401, limit: 1000 },
  });
  expect(await showQuota(org)).toMatchObject({ bytes: { used: 600 }, files: { used: 2 } }); // nothing was written
  await make("other");
  await deleteRepo(ann!, { owner: org, repo: "model" });
  expect(await showQuota(org)).toMatchObject({ bytes: { used: 0 }, files: { used: 0 }, repos: { used: 1 } });
});

test("of twenty repos made at once five stay", async () => {
  const { done, failures } = await settle(Array.from({ length: PEOPLE }, (_, n) => make(`r${n}`)));
  expect(done).toHaveLength(4); // beside the first
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(["quota_exceeded"]));
  expect(failures[0]!.message).toMatch(/has 5 repos of the 5 repos that it may have/);
});

test("an operator says otherwise for one name, and takes it back; nobody else does", async () => {
  for (const actor of [anonymous, ann!, tokenOf(root!, "read", "write", "run")])
    await expect(setQuota(actor, org, { bytes: 1 })).rejects.toBeInstanceOf(AppError);
  expect(await setQuota(root!, org, { bytes: 5000, repos: 1 })).toMatchObject({
    bytes: { limit: 5000, isOwn: true },
    repos: { limit: 1, isOwn: true },
    files: { limit: 50, isOwn: false },
  });
  await begin(4000);
  await expect(make("second")).rejects.toMatchObject({ code: "quota_exceeded" });
  await setQuota(theHub, org, { bytes: 100, repos: null }); // less than there is
  await expect(begin(1)).rejects.toMatchObject({ detail: { used: 4000, limit: 100 } });
  await make("second");
  await deleteRepo(ann!, { owner: org, repo: "second" });
  await expect(setQuota(root!, "nobody", {})).rejects.toMatchObject({ code: "not_found" });
  expect(await database().outbox.count({ where: { kind: "quota.set", namespaceId: { not: null } } })).toBeGreaterThan(
    0,
  );
});

test("who is over a limit that was lowered still does what adds nothing", async () => {
  await readme("x".repeat(300));
  await setQuota(root!, org, { bytes: 100 });
  await readme("x".repeat(300), "copy.md");
  await expect(readme("new")).rejects.toMatchObject({ code: "quota_exceeded" });
});

test("is shown to oneself and to members, and to nobody else", async () => {
  await begin(10);
  expect((await describeMe(ann!)).quota).toMatchObject({ bytes: { limit: 1000 }, repos: { used: 0, limit: 5 } });
  for (const actor of [ann!, ben!, root!])
    expect((await getNamespace(actor, org)).quota).toMatchObject({ bytes: { reserved: 10 }, repos: { used: 1 } });
  for (const actor of [anonymous, eve!, tokenOf(ann!, "write")])
    expect((await getNamespace(actor, org)).quota).toBeNull();
});

test("of many begins at once by one person none slips past the number of uploads that they may have", async () => {
  const kim = await newPerson("kim");
  await database().member.create({
    data: { namespace: { connect: { nameKey: org } }, user: { connect: { id: kim.userId } }, role: "writer" },
  });
  await setQuota(root!, org, { bytes: 1e9, files: 100_000 });
  const { id } = await begin(1, kim);
  await database().$executeRaw`
    INSERT INTO upload (id, repo_id, user_id, path, declared_size, storage_key, expires_at, updated_at)
    SELECT gen_random_uuid(), repo_id, user_id, 'a' || n, 1, ${org} || n, expires_at, now() FROM upload, generate_series(1, ${MAX_UNFINISHED - 6}) n WHERE id = ${id}::uuid`;
  const before = await database().upload.count({ where: { userId: kim.userId, state: "open" } });
  const { done, failures } = await settle(Array.from({ length: PEOPLE }, () => begin(1, kim)));
  expect(before + done.length).toBe(MAX_UNFINISHED);
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(["rate_limited"]));
});
