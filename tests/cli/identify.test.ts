import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createToken } from "#lib/auth/token.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../support/actors.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { newRepoWith } from "../support/evidence.ts";
import { serveApp } from "../support/serve-app.ts";
import type { Served } from "../support/serve.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { weightsOf } from "../support/upload-client.ts";

const hub = await useTempHub();
const folder = await temporaryFolder();
const [mine, secret, own] = [weightsOf(3000, 1), weightsOf(3000, 2), weightsOf(3000, 3)];
let server: Served;
let token: string;

beforeAll(async () => {
  server = await serveApp();
  const ann = await newPerson("ann");
  token = (await createToken(ann, { name: "t", scopes: ["read"] })).secret;
  await newRepoWith(ann, { name: "ink", kind: "finetune" }, { "ink.safetensors": mine });
  await newRepoWith(ann, { name: "hidden", kind: "finetune", visibility: "private" }, { "x.safetensors": secret });
  await mkdir(folder.path("loras"));
  for (const [name, bytes] of Object.entries({
    "loras/renamed.safetensors": mine,
    "b.safetensors": secret,
    "c.ckpt": own,
  }))
    await writeFile(folder.path(name), bytes);
  await writeFile(folder.path("notes.txt"), mine);
});
afterAll(async () => {
  await server.close();
  await folder.remove();
  await hub.close();
});

test("says of each file of weights in a folder whether the hub has it, and what is not for everybody only to whom it is for", async () => {
  const asked = await guidepost("identify", folder.path("."), "--hub", server.url);
  expect(asked.stderr).toBe("");
  const host = new URL(server.url).host;
  expect(asked.stdout.trim().split("\n")).toEqual([
    `b.safetensors: not on ${host}`,
    `c.ckpt: not on ${host}`,
    "loras/renamed.safetensors: a fine-tune, ink.safetensors of ann/ink",
  ]);
  process.env["HF_TOKEN"] = token;
  const told = await guidepost("identify", folder.path("."), "--hub", server.url, "--json");
  delete process.env["HF_TOKEN"];
  const { files } = JSON.parse(told.stdout) as { files: { path: string; known: { repo: string } | null }[] };
  expect(files.map(({ path, known }) => [path, known?.repo ?? null])).toEqual([
    ["b.safetensors", "ann/hidden"],
    ["c.ckpt", null],
    ["loras/renamed.safetensors", "ann/ink"],
  ]);
  expect(await database().downloadDay.count()).toBe(0);
});

test("a folder, a hub and a token that are not there are said in a sentence", async () => {
  expect(await guidepost("identify", folder.path("none"))).toMatchObject({
    code: 2,
    stderr: `${folder.path("none")} does not exist; check the path.\n`,
  });
  expect(await guidepost("identify", folder.path("."), "--hub", "http://127.0.0.1:1")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("cannot be reached"),
  });
  process.env["HF_TOKEN"] = "hf_nobody";
  const refused = await guidepost("identify", folder.path("."), "--hub", server.url);
  delete process.env["HF_TOKEN"];
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("does not know the access token") });
});
