import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  countCommits,
  downloadFile,
  fileDownloadInfo,
  fileExists,
  HubApiError,
  listCommits,
  listFiles,
  listModels,
  modelInfo,
  pathsInfo,
  whoAmI,
} from "@huggingface/hub";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { createRef } from "#lib/catalog/refs/service.ts";
import { newOrganisation, newPerson } from "../support/actors.ts";
import { commitFiles, type Files, newRepoWith } from "../support/evidence.ts";
import { weightsOf } from "../support/upload-client.ts";
import { secretOf, startClientHub } from "./client-hub.ts";
import { huggingfaceHubVersions, noPython, pythonClient, type PythonClient } from "./python.ts";

// What people's own programs read of a hub, each as its registry has it: the Hub's clients in Python and JavaScript, the command hf, curl.
// What they get is held against the bytes that were committed.

const hub = await startClientHub();
const weights = weightsOf(3_000_000);

/** Names that an address, a form, a shell or a header could take for something else. */
const files: Files = {
  "README.md": "---\nlicense: mit\ntags: [watercolor]\nbase_model: ann/base\n---\n# A model\n",
  "model_index.json": '{"_class_name": "StableDiffusionPipeline"}',
  "unet/config.json": "{}",
  "unet/diffusion_pytorch_model.safetensors": weights,
  "odd/a ? b # c @ d + e & f = g.txt": "signs",
  "odd/100% real.txt": "per cent",
  "odd/猫と犬.txt": "letters",
  "odd/Grüße “x”.txt": "more letters",
  "odd/😀.safetensors": weightsOf(2000),
  "odd/plus+plus.safetensors": weightsOf(3000),
  "odd/empty.txt": "",
};
const named = { owner: "Ann", repo: "Water-Color" };
let ann: Person;
let token: string;
let stranger: string;
let head: string;

beforeAll(async () => {
  ann = await newPerson("Ann");
  [token, stranger] = [await secretOf(ann, "read", "write"), await secretOf(await newPerson("bob"), "read")];
  await newOrganisation("Lab", [[ann, "owner"]]);
  await newRepoWith(ann, { name: "base", kind: "base" }, { "model_index.json": "{}" });
  const { repo } = await newRepoWith(ann, { name: "Water-Color", kind: "finetune", base: "ann/base" }, before);
  head = await commitFiles(repo, { ...before, "later.txt": "later" }, ann);
  await createCommit(ann, named, { title: "A card", operations: [card] });
  await createRef(ann, named, { name: "v1", kind: "tag", revision: head });
  await createRef(ann, named, { name: "try/this", kind: "branch", revision: head });
  await newRepoWith(ann, { name: "Secret", kind: "finetune", visibility: "private" }, files);
  await newRepoWith(ann, { name: "tiny", kind: "guide", base: "ann/base" }, { "guide.safetensors": weightsOf(500) });
});
afterAll(() => hub.close());

const card = { op: "add", path: "README.md", content: files["README.md"] as string } as const;
/** Until its card was written. */
const before: Files = { ...files, "README.md": "# Nothing yet\n" };
const all: Files = { ...files, "later.txt": "later" };
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const hashes = (some: Files): Record<string, string> =>
  Object.fromEntries(Object.entries(some).map(([path, bytes]) => [path, sha256(bytes)]));

/** By their paths, what is below a folder; not what a client keeps there for itself. */
async function hashesBelow(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const relative = path.slice(folder.length + 1);
    if (entry.isDirectory() || relative.startsWith(".cache")) continue;
    found[relative] = sha256(await readFile(path));
  }
  return found;
}

const why = noPython ? ` (skipped: ${noPython})` : "";

describe.skipIf(noPython).each(huggingfaceHubVersions)(`huggingface_hub %s${why}`, (version) => {
  let client: PythonClient;
  const json = async (script: string, as?: string): Promise<unknown> =>
    JSON.parse(
      await client.python(`import json\nfrom huggingface_hub import *\napi = HfApi()\n${script}`, hub.variables(as)),
    );

  beforeAll(async () => {
    client = await pythonClient(version);
  });

  test("says who somebody is", async () => {
    expect(await json("print(json.dumps(whoami()))", token)).toMatchObject({
      type: "user",
      name: "Ann",
      orgs: [{ name: "Lab", roleInOrg: "admin" }],
      auth: { accessToken: { displayName: "client", role: "write" } },
    });
    expect(
      await json(
        "try:\n  whoami(token='hf_no')\nexcept Exception as e:\n  print(json.dumps([type(e).__name__, e.response.status_code]))",
      ),
    ).toEqual([expect.stringMatching(/HTTPError$/), 401]);
  });

  test("lists models by what is asked, page by page", async () => {
    const ids = (call: string, as?: string) => json(`print(json.dumps([m.id for m in list_models(${call})]))`, as);
    expect(await ids("author='ann'")).toEqual(expect.arrayContaining(["Ann/Water-Color", "Ann/base", "Ann/tiny"]));
    expect(await ids("author='ann'", token)).toContain("Ann/Secret");
    expect(await ids("author='ann'")).not.toContain("Ann/Secret");
    expect(await ids("search='water'")).toEqual(["Ann/Water-Color"]);
    expect(await ids("filter=['license:mit', 'watercolor']")).toEqual(["Ann/Water-Color"]);
    expect(await ids("filter='base_model:Ann/base', sort='created_at'")).toEqual(["Ann/tiny", "Ann/Water-Color"]);
    expect(await ids("filter='base_model:adapter:Ann/base'")).toEqual(["Ann/tiny"]);
    expect(await ids("filter='base_model:quantized:Ann/base'")).toEqual([]);
    expect(await ids("filter='base_model:no/such'")).toEqual([]);
    expect(await ids("pipeline_tag='text-to-image', sort='created_at'")).toEqual(["Ann/Water-Color", "Ann/base"]);
    expect(await ids("sort='created_at', limit=2")).toEqual(["Ann/tiny", "Ann/Water-Color"]);
  });

  test("says what a model is, at a revision and with the sizes of its files", async () => {
    const script = (call: string) => `
m = model_info(${call})
print(json.dumps({ "id": m.id, "sha": m.sha, "private": m.private, "gated": m.gated, "tags": m.tags, "license": m.card_data and m.card_data.license,
  "files": { s.rfilename: [s.size, s.blob_id, s.lfs and s.lfs.sha256] for s in m.siblings } }))`;
    const info = (await json(script("'ann/water-color', files_metadata=True"))) as Record<string, unknown>;
    expect(info).toMatchObject({ id: "Ann/Water-Color", private: false, gated: false, license: "mit" });
    expect(info["tags"]).toEqual(expect.arrayContaining(["license:mit", "watercolor", "base_model:Ann/base"]));
    const listed = info["files"] as Record<string, [number, string, string | null]>;
    expect(Object.keys(listed).toSorted()).toEqual(Object.keys(all).toSorted());
    expect(listed["unet/diffusion_pytorch_model.safetensors"]).toEqual([
      3_000_000,
      expect.stringMatching(/^[0-9a-f]{40}$/),
      sha256(weights),
    ]);
    for (const revision of ["v1", "try/this", head, head.slice(0, 9)])
      expect(await json(script(`'Ann/Water-Color', revision='${revision}'`))).toMatchObject({ sha: head });
  });

  test("lists a tree, a folder, some paths, branches and tags, and the history", async () => {
    const paths = async (call: string) =>
      ((await json(`print(json.dumps([p.path for p in ${call}]))`)) as string[]).toSorted();
    const folders = ["odd", "unet"];
    expect(await paths("list_repo_tree('Ann/Water-Color', recursive=True)")).toEqual(
      [...Object.keys(all), ...folders].toSorted(),
    );
    expect(await paths("list_repo_tree('Ann/Water-Color', 'unet', revision='try/this', expand=True)")).toEqual([
      "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors",
    ]);
    const odd = Object.keys(files).filter((path) => path.startsWith("odd/"));
    expect(await paths(`api.get_paths_info('Ann/Water-Color', ${JSON.stringify([...odd, "unet", "none"])})`)).toEqual(
      [...odd, "unet"].toSorted(),
    );
    expect(
      await json(
        "r = list_repo_refs('Ann/Water-Color'); print(json.dumps([[b.ref for b in r.branches], [[t.ref, t.target_commit] for t in r.tags]]))",
      ),
    ).toEqual([["refs/heads/main", "refs/heads/try/this"], [["refs/tags/v1", head]]]);
    expect(await json("print(json.dumps([c.authors for c in list_repo_commits('Ann/Water-Color')]))")).toEqual([
      ["Ann"],
      ["Ann"],
      ["Ann"],
    ]);
    expect(
      await json(
        `print(json.dumps([file_exists('Ann/Water-Color', p) for p in ['later.txt', 'none.txt', ${odd.map((path) => JSON.stringify(path)).join()}]]))`,
      ),
    ).toEqual([true, false, ...odd.map(() => true)]);
  });

  test("downloads a whole repo, byte by byte, whatever its files are called", async () => {
    const folder = await hub.folder();
    await json(`print(json.dumps(snapshot_download('ann/WATER-color', local_dir=${JSON.stringify(folder)})))`);
    expect(await hashesBelow(folder)).toEqual(hashes(all));
    const other = await hub.folder();
    const { code, stderr } = await client.hf(["download", "Ann/Water-Color", "--local-dir", other], hub.variables());
    expect(code, stderr).toBe(0);
    expect(await hashesBelow(other)).toEqual(hashes(all));
  });

  test("goes on with a download that was cut off", async () => {
    const folder = await hub.folder();
    const target = join(folder, "weights");
    await writeFile(target, weights.subarray(0, 1_000_000));
    await json(`
from huggingface_hub.file_download import http_get
with open(${JSON.stringify(target)}, "ab") as file:
  http_get(hf_hub_url("Ann/Water-Color", "unet/diffusion_pytorch_model.safetensors"), file, resume_size=1000000, expected_size=3000000)
print("0")`);
    expect(sha256(await readFile(target))).toBe(sha256(weights));
  });

  test("what may not be seen, or is not there, is its own exception", async () => {
    const failure = (call: string, as?: string) =>
      json(
        `try:\n  ${call}\n  print('null')\nexcept Exception as e:\n  print(json.dumps([type(e).__name__, e.response.status_code if getattr(e, 'response', None) is not None else None]))`,
        as,
      );
    for (const as of [undefined, stranger]) {
      expect(await failure("model_info('Ann/Secret')", as)).toEqual(["RepositoryNotFoundError", 404]);
      expect(await failure("hf_hub_download('Ann/Secret', 'later.txt')", as)).toEqual(["RepositoryNotFoundError", 404]);
      expect(await failure("auth_check('Ann/Secret')", as)).toEqual(["RepositoryNotFoundError", 404]);
    }
    expect(await failure("auth_check('Ann/Secret')", token)).toBeNull();
    expect(await failure("model_info('no/such')")).toEqual(["RepositoryNotFoundError", 404]);
    expect(await failure("model_info('gpt2')")).toEqual(["RepositoryNotFoundError", 404]);
    expect(await failure("model_info('Ann/base', revision='none')")).toEqual(["RevisionNotFoundError", 404]);
    expect(await failure("list(list_repo_tree('Ann/base', 'none'))")).toEqual([
      expect.stringMatching(/EntryNotFoundError$/),
      404,
    ]);
    expect(await failure("hf_hub_download('Ann/base', 'none.txt')")).toEqual([
      expect.stringMatching(/EntryNotFoundError$/),
      404,
    ]);
    expect(await failure("dataset_info('Ann/base')")).toEqual([expect.stringMatching(/HTTPError$/), 501]);
    expect(await json("print(json.dumps([repo_exists('Ann/base'), repo_exists('no/such')]))")).toEqual([true, false]);
  });

  test.each([[], ["guide.safetensors"]])("tells in the terminal that a guide was not measured %s", async (...some) => {
    const asked = ["download", "Ann/tiny", ...some, "--local-dir", await hub.folder()];
    const { stderr } = await client.hf(asked, hub.variables());
    expect(stderr).toContain("No measurement that you may see says where Ann/tiny works");
  });
});

describe("@huggingface/hub", () => {
  const at = {
    repo: "ann/water-color",
    get hubUrl() {
      return hub.url;
    },
  };

  test("says who somebody is, and lists models", async () => {
    expect(await whoAmI({ hubUrl: hub.url, accessToken: token })).toMatchObject({ type: "user", name: "Ann" });
    const found: string[] = [];
    for await (const model of listModels({ hubUrl: hub.url, search: { owner: "Ann" }, accessToken: token }))
      found.push(model.name);
    expect(found.toSorted()).toEqual(["Ann/Secret", "Ann/Water-Color", "Ann/base", "Ann/tiny"]);
    expect(
      await modelInfo({ name: "Ann/Water-Color", hubUrl: hub.url, additionalFields: ["sha", "tags"] }),
    ).toMatchObject({
      name: "Ann/Water-Color",
      private: false,
    });
  });

  test("reads the history", async () => {
    const found: string[] = [];
    for await (const { title } of listCommits({ ...at, batchSize: 1 })) found.push(title);
    expect(found).toEqual(["A card", "Files", "Files"]);
    expect(await countCommits({ ...at })).toBe(3);
  });

  test("lists files and looks at some, also on a branch with a slash", async () => {
    for (const revision of ["main", "try/this"]) {
      const found: string[] = [];
      for await (const { path, type } of listFiles({ ...at, revision, recursive: true, expand: true }))
        if (type === "file") found.push(path);
      expect(found.toSorted()).toEqual(Object.keys(all).toSorted());
    }
    const some = ["odd/猫と犬.txt", "odd/none", "unet"];
    expect((await pathsInfo({ ...at, paths: some })).map(({ path }) => path)).toEqual(["odd/猫と犬.txt", "unet"]);
    expect(await fileExists({ ...at, path: "later.txt" })).toBe(true);
    expect(await fileExists({ ...at, path: "none.txt" })).toBe(false);
  });

  test.each(Object.keys(files))("downloads %s, and a part of it", async (name) => {
    const bytes = Buffer.from(files[name]!);
    const path = name.split("/").map(encodeURIComponent).join("/"); // it escapes no path itself, as “?” needs
    const blob = await downloadFile({ ...at, path });
    expect(sha256(Buffer.from(await blob!.arrayBuffer()))).toBe(sha256(bytes));
    const info = await fileDownloadInfo({ ...at, path });
    expect(info?.size).toBe(bytes.byteLength);
    if (bytes.byteLength > 10)
      expect(sha256(Buffer.from(await blob!.slice(3, 9).arrayBuffer()))).toBe(sha256(bytes.subarray(3, 9)));
  });

  test("what is not there, or may not be seen", async () => {
    expect(await downloadFile({ ...at, path: "none.txt" })).toBeNull();
    await expect(downloadFile({ ...at, repo: "Ann/Secret", path: "later.txt" })).rejects.toThrow(HubApiError);
    expect(await downloadFile({ ...at, repo: "Ann/Secret", path: "README.md", accessToken: token })).not.toBeNull();
  });
});

test("curl goes on with a download, and takes its token nowhere else", async () => {
  const target = join(await hub.folder(), "weights");
  const address = `${hub.url}/Ann/Secret/resolve/main/unet/diffusion_pytorch_model.safetensors`;
  const curl = (...more: readonly string[]) =>
    promisify(execFile)("curl", ["-sSfL", "-H", `Authorization: Bearer ${token}`, "-o", target, ...more, address]);
  await curl();
  expect(sha256(await readFile(target))).toBe(sha256(weights));
  await truncate(target, 1_234_567);
  await curl("-C", "-");
  expect(sha256(await readFile(target))).toBe(sha256(weights));
});
