import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { anonymous } from "#lib/auth/actor.ts";
import { ContentHasher, namesOf } from "#lib/catalog/blobs/hasher.ts";
import { getByHash, listByHash } from "#lib/catalog/hashes/service.ts";
import { fileHash } from "#lib/catalog/hashes/schema.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../../support/actors.ts";
import { commitFiles, newRepoWith } from "../../support/evidence.ts";
import { serveApp } from "../../support/serve-app.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { sha256Of, weightsOf } from "../../support/upload-client.ts";

const hub = await useTempHub();
const [shared, older, secret] = [weightsOf(2_000_000, 1), weightsOf(3000, 2), weightsOf(3000, 3)];
let ann: Person;

beforeAll(async () => {
  ann = await newPerson("ann");
  await newRepoWith(
    ann,
    { name: "hidden", kind: "finetune", visibility: "private" },
    { "a.safetensors": secret, "b.safetensors": shared },
  );
  const { repo } = await newRepoWith(ann, { name: "ink", kind: "finetune" }, { "old/ink #1.safetensors": older });
  await commitFiles(repo, { "new ink.safetensors": shared }, ann);
  await newRepoWith(ann, { name: "copy", kind: "finetune" }, { "copy.safetensors": shared });
});
afterAll(() => hub.close());

test("a file is found by its whole hash, by its first digits and by the names that tools give, in any letters", async () => {
  const sha256 = sha256Of(shared);
  // What a worker finds in an upload; here the bytes went past it.
  const hasher = new ContentHasher(shared.byteLength);
  hasher.update(shared);
  const others = [...namesOf(hasher.digest(), true).others].map(([algorithm, value]) => ({ algorithm, value }));
  expect(others.map(({ algorithm }) => algorithm)).toEqual(["crc32", "autov2", "autov3", "tensors", "autov1"]);
  const data = others.map((other) => ({ blobSha256: sha256, ...other }));
  await database().blobHash.createMany({ data, skipDuplicates: true });
  for (const hash of [sha256, sha256.slice(0, 12), sha256.toUpperCase(), ...others.map(({ value }) => value)])
    expect(await getByHash(anonymous, fileHash.parse(hash)), hash).toMatchObject({
      repo: "ann/ink",
      path: "new ink.safetensors",
      isHead: true,
      sha256,
      files: [{ hashes: { SHA256: sha256.toUpperCase(), AutoV2: sha256.slice(0, 10).toUpperCase() } }],
    });
});

test("what a repo has no more is found in the commit that had it, and its address gives its bytes", async () => {
  const found = await getByHash(anonymous, sha256Of(older));
  expect(found).toMatchObject({ repo: "ann/ink", path: "old/ink #1.safetensors", isHead: false });
  const server = await serveApp();
  try {
    const address = found.downloadUrl.replace("http://localhost:3000", server.url);
    const response = await fetch(address, { redirect: "manual" });
    const stored = response.headers.get("location")?.replace("http://localhost:3000", server.url);
    const bytes = Buffer.from(await (stored ? await fetch(stored) : response).arrayBuffer());
    expect(sha256Of(bytes)).toBe(found.sha256);
  } finally {
    await server.close();
  }
});

test("of many hashes what is here is told once each, and what is hidden to nobody else", async () => {
  const asked = [sha256Of(older), "0".repeat(64), sha256Of(secret), sha256Of(shared).slice(0, 10), sha256Of(shared)];
  const names = async (actor: Parameters<typeof listByHash>[0]) =>
    (await listByHash(actor, asked)).map(({ repo }) => repo);
  expect(await names(anonymous)).toEqual(["ann/ink", "ann/ink"]);
  expect(await names(ann)).toEqual(["ann/ink", "ann/hidden", "ann/hidden"]);
});

test("a search for a hash finds the repos that have the file, and no others", async () => {
  const found = async (q: string, actor: Parameters<typeof listRepos>[0] = anonymous) =>
    (await listRepos(actor, repoQuery.parse({ q, sort: "name" }))).items.map(({ name }) => name);
  expect(await found(sha256Of(shared).slice(0, 12))).toEqual(["copy", "ink"]);
  expect(await found(` ${sha256Of(shared).toUpperCase()} `)).toEqual(["copy", "ink"]);
  expect(await found(sha256Of(secret))).toEqual([]);
  expect(await found(sha256Of(secret), ann)).toEqual(["hidden"]);
  expect(await found("0".repeat(64))).toEqual([]);
});

test.each(["0123456", "xyz01234567", "012345678", "0".repeat(65)])("%s is no hash", (hash) =>
  expect(fileHash.safeParse(hash).success).toBe(false),
);
