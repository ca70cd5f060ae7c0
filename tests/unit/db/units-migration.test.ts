import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Component, toUnit } from "#lib/catalog/units/unit.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { oid, sha, uuid } from "../../support/small-hub.ts";
import { createTempDatabase, migrationsFolder, type TempDatabase } from "../../support/temp-database.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** As weights were told before: a low-rank fine-tune's with those of its base. */
const [baseWeights, otherWeights, guideWeights] = [digest(`unet ${sha("1")}\nvae ${sha("2")}`), sha("8"), sha("9")];
const loraWeights = digest([`base ${baseWeights}`, `lora ${sha("3")}`].join("\n"));
const ownLora = digest(`lora ${sha("3")}`);

const facts = (kind: string, ...files: readonly [role: string, sha256: string][]): string =>
  JSON.stringify({ kind, files: files.map(([role, sha256]) => ({ role, path: `${role}.safetensors`, sha256 })) });

/** A base, a low-rank fine-tune and a guide, all measured, of a hub from before there were units. */
const oldHub = `
  INSERT INTO app_user (id, name, email) VALUES ('ann', 'Ann', 'ann@example.org');
  INSERT INTO namespace (id, kind, name, user_id) VALUES ('${uuid(1)}', 'user', 'ann', 'ann');
  INSERT INTO repo (id, namespace_id, name, kind, visibility) VALUES
    ('${uuid(2)}', '${uuid(1)}', 'storybook', 'base', 'private'), ('${uuid(3)}', '${uuid(1)}', 'neon', 'finetune', 'public'), ('${uuid(4)}', '${uuid(1)}', 'tiny', 'guide', 'public');
  INSERT INTO commit (id, repo_id, sequence, title, file_count, size) VALUES
    ('${oid("2")}', '${uuid(2)}', 1, 'First', 0, 0), ('${oid("3")}', '${uuid(3)}', 1, 'First', 0, 0), ('${oid("4")}', '${uuid(4)}', 1, 'First', 0, 0);
  INSERT INTO inspection (id, commit_id, tool_version, state, finished_at, base_commit_id, weights_sha256, facts) VALUES
    ('${uuid(12)}', '${oid("2")}', '1', 'succeeded', now(), NULL, '${baseWeights}', '${facts("diffusers folder", ["vae", sha("2")], ["unet", sha("1")])}'),
    ('${uuid(13)}', '${oid("3")}', '1', 'succeeded', now(), '${oid("2")}', '${loraWeights}', '${facts("low-rank fine-tune", ["lora", sha("3")])}'),
    ('${uuid(14)}', '${oid("4")}', '1', 'succeeded', now(), '${oid("2")}', '${guideWeights}', '${facts("guide", ["guide", guideWeights])}');
  INSERT INTO pair (id, finetune_weights_sha256, guide_weights_sha256, protocol, runtime, finetune_commit_id, guide_commit_id, summary) VALUES
    ('${uuid(22)}', '${baseWeights}', '${guideWeights}', '1', 'cpu', '${oid("2")}', '${oid("4")}', '{"request": {"pictures": 48, "baseCommitId": "${oid("2")}"}}'),
    ('${uuid(23)}', '${loraWeights}', '${guideWeights}', '1', 'cpu', '${oid("3")}', '${oid("4")}', '{}'),
    ('${uuid(24)}', '${otherWeights}', '${guideWeights}', '1', 'cpu', NULL, NULL, '{}');
  INSERT INTO preview (id, user_id, finetune_commit_id, recipe) VALUES
    ('${uuid(33)}', 'ann', '${oid("3")}', '{"base": {"commitId": "${oid("2")}"}, "lowRank": [{"commitId": "${oid("3")}", "strength": 0.8, "textStrength": 0.5}]}'),
    ('${uuid(34)}', 'ann', '${oid("2")}', '{"base": {"commitId": "${oid("2")}"}, "lowRank": []}');`;

let temp: TempDatabase;
let client: pg.Client;
const folder = mkdtempSync(join(tmpdir(), "guidepost-before-units-"));

beforeAll(async () => {
  temp = await createTempDatabase("empty");
  for (const name of readdirSync(migrationsFolder).filter((one) => one < "20261130130000"))
    cpSync(join(migrationsFolder, name), join(folder, name), { recursive: true });
  await applyMigrations(temp.url, folder);
  client = new pg.Client({ connectionString: temp.url });
  await client.connect();
  await client.query(oldHub);
  await applyMigrations(temp.url, migrationsFolder);
});

afterAll(async () => {
  await client.end();
  await temp.drop();
  rmSync(folder, { recursive: true });
});

const ask = async (sql: string): Promise<unknown[][]> =>
  (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;

const whole = { strength: 1, textStrength: 1 };
const base: Component = { role: "base", commitId: oid("2"), weightsSha256: baseWeights, ...whole };
const lora: Component = { role: "lora", commitId: oid("3"), weightsSha256: ownLora, ...whole };
const [ofBase, ofLora] = [toUnit([base]), toUnit([base, lora])];

test("what was measured keeps its evidence, under the unit that it was measured of", async () => {
  expect(await ask("SELECT id, unit_hash, unit_id, judge_commit_id FROM pair ORDER BY id")).toEqual([
    [uuid(22), ofBase.hash, ofBase.id, oid("2")],
    [uuid(23), ofLora.hash, ofLora.id, null],
    [uuid(24), toUnit([{ ...base, weightsSha256: otherWeights }]).hash, expect.any(String), null],
  ]);
  expect(await ask("SELECT weights_sha256, own_weights_sha256 FROM inspection ORDER BY id")).toEqual([
    [ofBase.hash, baseWeights],
    [ofLora.hash, ownLora],
    [guideWeights, guideWeights],
  ]);
  expect(
    await ask(`SELECT position, role, commit_id, weights_sha256 FROM unit_component WHERE unit_id = '${ofLora.id}'`),
  ).toEqual([
    [0, "base", oid("2"), baseWeights],
    [1, "lora", oid("3"), ownLora],
  ]);
});

test("a pair is found by the weights that its unit goes by", async () => {
  expect(await ask("SELECT finetune_weights_sha256 FROM pair ORDER BY id")).toEqual([
    [baseWeights],
    [ownLora],
    [otherWeights],
  ]);
});

test("a preview's unit has the strengths that it was drawn with", async () => {
  const drawn = toUnit([base, { ...lora, strength: 0.8, textStrength: 0.5 }]);
  expect(await ask("SELECT v.unit_id, u.hash FROM preview v JOIN unit u ON u.id = v.unit_id ORDER BY v.id")).toEqual([
    [drawn.id, drawn.hash],
    [ofBase.id, ofBase.hash],
  ]);
});

test("each repo has its weights once, and the key under which they were measured", async () => {
  expect(await ask("SELECT repo_id, weights_sha256, measured_as FROM repo_weights ORDER BY repo_id")).toEqual([
    [uuid(2), baseWeights, ofBase.hash],
    [uuid(3), ownLora, ofLora.hash],
    [uuid(4), guideWeights, guideWeights],
  ]);
});
