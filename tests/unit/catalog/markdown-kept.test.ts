import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { requireRead } from "#lib/auth/access.ts";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { getBlob, storeBytes } from "#lib/catalog/blobs/service.ts";
import { CARD_PATH, showMarkdown, type ShownMarkdown } from "#lib/catalog/cards/service.ts";
import { isLaidOut } from "#lib/catalog/cards/read-markdown.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { findFile, type FoundFile } from "#lib/catalog/files/service.ts";
import { newRepo } from "#lib/catalog/repos/schema.ts";
import { createRepo, getRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../../support/actors.ts";
import { hostileMarkdown } from "../../support/hostile-markdown.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { until } from "../../support/until.ts";

const hub = await useTempHub();
let ann: Person;
let count = 0;
let name: { owner: string; repo: string };

beforeAll(async () => void (ann = await newPerson("ann")));
beforeEach(async () => {
  name = { owner: "ann", repo: `model-${++count}` };
  await createRepo(ann, newRepo.parse({ owner: "ann", name: name.repo, kind: "finetune", visibility: "public" }));
});
afterAll(() => hub.close());

async function commit(content: string, path = CARD_PATH): Promise<FoundFile> {
  await createCommit(ann, name, { title: "Text", operations: [{ op: "add", path, content }] });
  return findFile(await requireRead(anonymous, name), "HEAD", path);
}
const rowOf = (file: FoundFile) => database().markdown.findUnique({ where: { sha256: file.sha256 } });
const laidOut = (file: FoundFile) =>
  until(
    () => rowOf(file),
    (row) => row !== null && isLaidOut(row),
  );
const removeObjects = () => rm(join(hub.folder, "objects"), { recursive: true });
const isRead = (shown: ShownMarkdown): boolean => shown.isRead && isLaidOut(shown);

test("a card is read in its commit and laid out behind it, and shown without a look at the store", async () => {
  const file = await commit("---\nlicense: mit\n---\n# Hi\n");
  expect(await getRepo(anonymous, name)).toMatchObject({ license: "mit" });
  expect(await laidOut(file)).toMatchObject({ html: "<h3>Hi</h3>", frontMatter: { license: "mit" } });
  await removeObjects();
  expect(await showMarkdown(file)).toMatchObject({ isRead: true, html: "<h3>Hi</h3>" });
  expect((await getRepo(anonymous, name)).card).toMatchObject({ isRead: true, text: "# Hi\n" });
});

test("one that was kept and never laid out, for its process ended, is laid out when somebody looks", async () => {
  const file = await commit("# Half");
  await laidOut(file);
  await database().markdown.update({ where: { sha256: file.sha256 }, data: { html: null } });
  await until(
    () => showMarkdown(file),
    (shown) => shown.isRead && shown.html === "<h3>Half</h3>",
  );
});

test("one that is too much neither fails nor keeps its commit, is kept as its text, and has its say all the same", async () => {
  const text = hostileMarkdown(100_000, 0).get('"1. " again and again')!; // two seconds of processor time
  const file = await commit(`---\nlicense: mit\n---\n${text}`);
  expect(await rowOf(file)).toMatchObject({ html: null, problem: null, text });
  expect(await showMarkdown(file)).toMatchObject({ isRead: true, html: null, problem: null, text });
  expect(await laidOut(file)).toMatchObject({ html: null, problem: expect.stringMatching(/^It is shown as/), text });
  expect(await getRepo(anonymous, name)).toMatchObject({ license: "mit", card: { isRead: true, text } });
});

test("one that was committed before cards were kept is read when somebody looks, once", async () => {
  const file = await commit("# Old");
  await laidOut(file);
  for (const before of ["none", "of an older reader"]) {
    if (before === "none") await database().markdown.delete({ where: { sha256: file.sha256 } });
    else await database().markdown.update({ where: { sha256: file.sha256 }, data: { reader: 0, html: "old" } });
    await Promise.all(Array.from({ length: 20 }, () => showMarkdown(file)));
    expect(await until(() => showMarkdown(file), isRead)).toMatchObject({ html: "<h3>Old</h3>" });
    expect(await rowOf(file)).toMatchObject({ html: "<h3>Old</h3>" });
  }
});

test("one that cannot be read now is not there yet, and the page says why", async () => {
  const file = await commit("# Away");
  await laidOut(file);
  await database().markdown.delete({ where: { sha256: file.sha256 } });
  await removeObjects();
  expect(await showMarkdown(file)).toEqual({ isRead: false, why: "The bytes of this are not in the store." });
  expect((await getRepo(anonymous, name)).card).toMatchObject({
    isRead: false,
    text: "",
    warnings: [expect.any(String)],
  });
});

test("another file of Markdown is read when somebody looks", async () => {
  const file = await commit("[up](../a.md)", "docs/how.MD");
  expect(await rowOf(file)).toBeNull();
  expect(await until(() => showMarkdown(file), isRead)).toMatchObject({ isRead: true, text: "[up](../a.md)" });
});

test("what was read goes with its content", async () => {
  const { sha256 } = await storeBytes(Buffer.from("# Gone"));
  await until(async () => showMarkdown(await getBlob(sha256)), isRead);
  await database().blob.update({ where: { sha256 }, data: { purgingAt: new Date() } });
  await database().blob.delete({ where: { sha256 } });
  expect(await database().markdown.count({ where: { sha256 } })).toBe(0);
});
