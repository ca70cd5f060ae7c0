import { deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import type { UploadView } from "#lib/catalog/uploads/schema.ts";
import { completeUpload, getUpload } from "#lib/catalog/uploads/service.ts";
import { stagedUpload, noteRead } from "#lib/catalog/uploads/work.ts";
import { database } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { hashHandler } from "#workers/hub/handlers/hash.ts";
import { newPerson } from "../../support/actors.ts";
import { corpus } from "../../support/safetensors-corpus.ts";
import { stageUpload, stageWhole } from "../../support/stage-upload.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of, weightsOf } from "../../support/upload-client.ts";
import { untilListening } from "../../support/listening.ts";
import { claimJob, runJob } from "../../support/attempts.ts";

const hub = await useTempHub();
let ann: Person;
const REPO = "ann/model";

beforeAll(async () => {
  ann = await newPerson("ann");
  await createRepo(ann, { owner: "ann", name: "model", kind: "finetune", visibility: "public" });
});
afterAll(() => hub.close());

/** What a person sees of a file once a worker has read it. */
async function read(path: string, bytes: Uint8Array | string, sha256?: string): Promise<UploadView> {
  const { id } = await stageWhole(ann, REPO, path, Buffer.from(bytes as string), sha256);
  await hashUpload(id);
  return getUpload(ann, id);
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const zip = (name: string): Buffer => {
  const [data, entry] = [deflateRawSync("x"), Buffer.alloc(30)];
  entry.write("PK\x03\x04");
  entry.writeUInt16LE(name.length, 26);
  return Buffer.concat([entry, Buffer.from(name), data]);
};
const tar = (): Buffer => {
  const block = Buffer.alloc(1024);
  block.write("model.safetensors");
  block.write("ustar\0", 257);
  return block;
};

describe("what the hub does not store is refused by its bytes, with what to do instead:", () => {
  const convert = "convert it with safetensors.torch.save_file, and upload that";
  test.each([
    ["model.ckpt", zip("archive/data.pkl"), "a PyTorch checkpoint, and opening its pickles can run code", convert],
    ["pytorch_model.bin", latin1("\x80\x02}q\x00."), "a Python pickle, and opening one can run code", convert],
    ["notes.txt", "cposix\nsystem\n(S'id'\ntR.", "a Python pickle, and opening one can run code", convert],
    ["train.json", "(dp0\nS'a'\np1\nI1\ns.", "a Python pickle, and opening one can run code", convert],
    ["all.zip", zip("model.safetensors"), "a ZIP archive", "unpack it, and upload its files"],
    [
      "latents.npz",
      zip("mean.npy"),
      "an archive of NumPy arrays",
      "save them with safetensors.numpy.save_file, and upload that",
    ],
    [
      "latents.npy",
      latin1("\x93NUMPY\x01\x00v\x00"),
      "a NumPy array",
      "save it with safetensors.numpy.save_file, and upload that",
    ],
    ["model.gguf", latin1("GGUF\x03\0\0\0\0\0\0\0"), "a GGUF file", "upload the model's .safetensors file"],
    [
      "model.h5",
      latin1("\x89HDF\r\n\x1a\n\0\0"),
      "an HDF5 file, as Keras writes them",
      "convert its weights to safetensors, and upload those",
    ],
    [
      "unet/model.onnx",
      latin1("\x08\x08\x12\x07pytorch\x1a\x032.0"),
      "an ONNX graph",
      "upload the weights as safetensors; the hub builds graphs by itself",
    ],
    ["a.7z", latin1("7z\xbc\xaf\x27\x1c\0\x04"), "a 7-Zip archive", "unpack it, and upload its files"],
    ["a.tar.gz", gzipSync("x"), "a gzip archive", "unpack it, and upload its files"],
    ["a.tar", tar(), "a tar archive", "unpack it, and upload its files"],
    [
      "config.json",
      "\n<!DOCTYPE html>\n<html><body>Sign in</body></html>",
      "a web page",
      "download the file itself, signed in if it asks for that, and upload it",
    ],
    [
      "run",
      latin1("\x7fELF\x02\x01\x01\0"),
      "a program for Linux",
      "the hub keeps models with their settings, texts and pictures; leave it out",
    ],
    [
      "setup.exe",
      latin1(`MZ\x90\0${"\0".repeat(60)}PE\0\0`),
      "a program for Windows",
      "the hub keeps models with their settings, texts and pictures; leave it out",
    ],
    [
      "big.bin",
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
      "a Git LFS pointer",
      "run git lfs pull, and upload the file itself",
    ],
  ])("%s", async (path, bytes, what, remedy) => {
    const { state, problem } = await read(path, bytes);
    expect([state, problem]).toEqual(["failed", `${path.split("/").at(-1)} is ${what}; ${remedy}.`]);
  });

  test.each([
    ["a.txt", Buffer.from("\ufeffUTF-16", "utf16le")],
    ["b.txt", Buffer.concat([Buffer.alloc(3_000_000, "a"), latin1("\xff")])], // no text in its last byte
    ["c.txt", latin1("a\0b")],
    ["d.txt", latin1("abc\xe2\x82")], // cut within a character
    ["e.gif", latin1("GIF89a\x01\0\x01\0\x80")],
  ])("%s, whatever it is", async (path, bytes) => {
    const { state, problem } = await read(path, bytes);
    expect([state, problem]).toEqual([
      "failed",
      `${path} is neither safetensors, nor UTF-8 text, nor a PNG, JPEG or WebP picture, and the hub stores nothing else; leave it out, or convert it.`,
    ]);
  });
});

test.each([
  ["README.md", '# Größe\n\n<p align="center">MZ GGUF PK cat\ndog\n'],
  ["README", "GGUF and ZIP files are not taken."],
  ["cats.txt", "cats\nand\ndogs"],
  ["merges.txt", `#version: 0.2\n${"i n\n".repeat(300_000)}€`],
  ["picture.png", latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")],
  ["picture.jpg", latin1("\xff\xd8\xff\xe0\0\x10JFIF")],
  ["picture.webp", latin1("RIFF\x24\0\0\0WEBPVP8 ")],
  ["weights.bin", weightsOf(2000)], // safetensors by another name
])("%s is stored", async (path, bytes) => {
  expect(await read(path, bytes)).toMatchObject({ state: "verified", sha256: sha256Of(bytes), problem: null });
});

describe("a .safetensors file is read as strictly as everywhere:", () => {
  const some = new Set([
    "V01",
    "V07",
    "X02",
    "X03",
    "L01",
    "L05",
    "L09",
    "H06",
    "H13",
    "K01",
    "M01",
    "O01",
    "D01",
    "F01",
    "F03",
    "N02",
    "X04",
    "X18",
    "X19",
  ]);
  for (const { id, what, defect, build } of corpus.filter((file) => some.has(file.id))) {
    test(`${id} ${what}`, async () => {
      const { state, problem } = await read("unet/model.safetensors", build());
      expect([state, problem]).toEqual(
        defect === null ? ["verified", null] : ["failed", expect.stringMatching(/^model\.safetensors: [^]+; [^]+\.$/)],
      );
    });
  }

  test("also under another name, where it begins as one", async () => {
    const bytes = weightsOf(2000).subarray(0, 1999);
    expect(await read("model.bin", bytes)).toMatchObject({
      state: "failed",
      problem: expect.stringMatching(/^model\.bin: its tensors take 1872 bytes, and only 1871 are there; /) as string,
    });
  });
});

describe("bytes that are not those announced:", () => {
  test("another sha256", async () => {
    const [announced, came] = [sha256Of("this"), sha256Of("that")];
    const { state, problem, sha256 } = await read("a.txt", "that", announced);
    expect([state, problem, sha256]).toEqual([
      "failed",
      `a.txt was announced with the sha256 ${announced}, and what came has ${came}; upload it again from a copy that was not damaged.`,
      announced,
    ]);
    expect(await database().blob.count({ where: { sha256: came } })).toBe(0);
  });

  test("another size, in the store", async () => {
    const { id } = await stageWhole(ann, REPO, "c.txt", Buffer.from("12345"));
    const { storageKey } = await database().upload.findUniqueOrThrow({ where: { id } });
    await objectStore().put(storageKey, Buffer.from("1234"));
    await hashUpload(id);
    expect(await getUpload(ann, id)).toMatchObject({
      state: "failed",
      problem: "c.txt was announced with 5 bytes, and 4 came; upload it again.",
    });
  });

  test("none, for the store lost them", async () => {
    const { id } = await stageWhole(ann, REPO, "d.txt", Buffer.from("12345"));
    await objectStore().delete((await database().upload.findUniqueOrThrow({ where: { id } })).storageKey);
    await hashUpload(id);
    expect(await getUpload(ann, id)).toMatchObject({
      state: "failed",
      problem: "The bytes of d.txt are not in the store any more; upload them again.",
    });
  });
});

describe("only the last attempt counts:", () => {
  const run = (id: string, attempt: number) => runJob(hashHandler, "hash", id, attempt);

  test("a worker that was lost writes nothing", async () => {
    const { id } = await stageWhole(ann, REPO, "e.txt", Buffer.from("attempts"));
    const [lost, heir] = [await claimJob("hash", id), await claimJob("hash", id)];
    expect([lost, heir]).toEqual([1, 2]);
    await run(id, lost!);
    expect([
      (await getUpload(ann, id)).state,
      await database().blob.count({ where: { sha256: sha256Of("attempts") } }),
    ]).toEqual(["hashing", 0]);
    expect(await noteRead((await stagedUpload(id))!, lost!, 4)).toBe(false);
    await run(id, heir!);
    expect((await getUpload(ann, id)).state).toBe("verified");
    await run(id, heir!); // once more, as a worker that missed its own answer
    expect([await claimJob("hash", id), (await getUpload(ann, id)).sha256]).toEqual([null, sha256Of("attempts")]);
  });

  test("two that finish at once make one blob, and only the heir's counts", async () => {
    const { id } = await stageWhole(ann, REPO, "f.txt", Buffer.from("at once"));
    const [lost, heir] = [await claimJob("hash", id), await claimJob("hash", id)];
    await Promise.all([run(id, lost!), run(id, heir!), run(id, heir!)]);
    expect([
      (await getUpload(ann, id)).state,
      await database().blob.count({ where: { sha256: sha256Of("at once") } }),
    ]).toEqual(["verified", 1]);
  });

  test("one that is stopped leaves it to the next", async () => {
    const { id } = await stageWhole(ann, REPO, "g.safetensors", weightsOf(5_000_000, 3));
    const stop = new AbortController();
    const attempt = (await claimJob("hash", id))!;
    const running = runJob(hashHandler, "hash", id, attempt, { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toThrow();
    expect((await getUpload(ann, id)).state).toBe("hashing");
    expect(await hashUpload(id)).toBeNull();
    expect((await getUpload(ann, id)).state).toBe("verified");
  });
});

test("whoever waits is told how far it is", async () => {
  const { id } = await stageWhole(ann, REPO, "h.txt", Buffer.from("0123456789"));
  const told: string[] = [];
  const unwatch = watch(id, () => void told.push(id));
  await untilListening();
  const before = told.length;
  const attempt = (await claimJob("hash", id))!;
  expect(await noteRead((await stagedUpload(id))!, attempt, 7)).toBe(true);
  expect((await getUpload(ann, id)).progress).toEqual({ done: 7, total: 10 });
  await expect.poll(() => told.length).toBeGreaterThan(before);
  unwatch();
});

test("a part that is sent again with other bytes changes nothing that was verified", async () => {
  const id = await stageUpload(ann, REPO, "i.txt", Buffer.from("first"));
  const { storageKey, storageId } = await database().upload.findUniqueOrThrow({ where: { id } });
  const store = objectStore() as DiskStore;
  await completeUpload(ann, id);
  const again = store.receivePart(
    storageKey,
    { storageId: storageId!, number: 1, size: 5 },
    (async function* () {
      yield Buffer.from("other");
    })(),
  );
  await expect(again).rejects.toMatchObject({ code: "not_found" });
  await hashUpload(id);
  expect((await getUpload(ann, id)).sha256).toBe(sha256Of("first"));
});
