import { createHash } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ids, oid, sha, smallHub, uuid } from "../../support/small-hub.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

// For every rule a statement that breaks it in the small hub. The last test compares the names with the catalogue of the
// database, so that no rule can be without its statement.

const temp = await createTempDatabase();
const client = new pg.Client({ connectionString: temp.url });
const { ann, lab, base, fine, guide, pair, preview, column } = ids;

beforeAll(async () => {
  await client.connect();
  await client.query(smallHub);
});

afterAll(async () => {
  await client.end();
  await temp.drop();
});

interface Failure {
  readonly code: string;
  readonly constraint?: string;
  readonly message: string;
}

/** Runs statements that are undone again, deferred rules included. Null: the database took them. */
async function attempt(sql: string): Promise<Failure | null> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query("SET CONSTRAINTS ALL IMMEDIATE");
    return null;
  } catch (cause) {
    return cause as Failure;
  } finally {
    await client.query("ROLLBACK");
  }
}

const newRepo = (name: string, rest = `'finetune', 'public', '${base}'`): string =>
  `INSERT INTO repo (id, namespace_id, name, kind, visibility, base_id) VALUES (gen_random_uuid(), '${lab}', '${name}', ${rest})`;
const newNamespace = (name: string): string =>
  `INSERT INTO namespace (id, kind, name) VALUES (gen_random_uuid(), 'organisation', '${name}')`;
const newAnswer = (prompt: string, whose: string): string =>
  `INSERT INTO comparison_answer (id, pair_id, prompt_sha256, user_id, address_key, guide_was_first, preferred) VALUES (gen_random_uuid(), '${pair}', '${prompt}', ${whose}, true, 'guide')`;
const newCommit = (
  id: string,
  rest: { sequence?: number; parent?: string; title?: string; files?: number; size?: number; tree?: string } = {},
): string =>
  `INSERT INTO commit (id, repo_id, sequence, parent_id, title, tree_id, file_count, size) VALUES
    ('${id}', '${fine}', ${rest.sequence ?? 3}, ${rest.parent ? `'${rest.parent}'` : "NULL"}, '${rest.title ?? "Third"}', ${rest.tree ?? `'${leaf}'`}, ${rest.files ?? 2}, ${rest.size ?? 30})`;
/** The SQL arguments of a tree of files of ten bytes each. */
const filesAt = (...paths: string[]): string =>
  `ARRAY[${paths.join(", ")}]::text[], array_fill('${sha("a")}'::text, ARRAY[${paths.length}]), array_fill(10::bigint, ARRAY[${paths.length}])`;
const plant = (files: string, commit = oid("3")): string => `SELECT pg_temp.plant('${fine}', '${commit}', ${files})`;
const commitWith = (...paths: string[]): string =>
  `${newCommit(oid("5"), { files: paths.length, size: 10 * paths.length, tree: `pg_temp.leaf_id(${filesAt(...paths)})` })}; ${plant(filesAt(...paths), oid("5"))}`;
/** A node over others, which says how much there is below. */
const newNode = (id: string, level: number, entries: number, files: number, size: number): string =>
  `INSERT INTO tree VALUES ('${fine}', ${id}, ${level}, ${entries}, ${files}, ${size})`;
const newEntry = (tree: string, columns: string, values: string): string =>
  `INSERT INTO tree_entry (repo_id, tree_id, ${columns}) VALUES ('${fine}', ${tree}, ${values})`;
const newPossession = (blob: string, size: number, repo: string = fine): string =>
  `INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id) VALUES ('${repo}', '${sha(blob)}', ${size}, '${oid("3")}')`;
const file = "ordinal, key, path, blob_sha256, lfs, file_count, size";
/** The tree of commit 3, and the id of a node over it. */
const leaf = createHash("sha256")
  .update(`file ${sha("a")} 10 lfs a.safetensors\nfile ${sha("b")} 20 git README.md`)
  .digest("hex");
const over = `encode(sha256('tree ${leaf}'), 'hex')`;
const newChild = (first: string, last: string, size = 30): string =>
  newEntry(over, "ordinal, key, last_key, child_id, file_count, size", `0, ${first}, ${last}, '${leaf}', 2, ${size}`);
const newRef = (name: string): string =>
  `INSERT INTO ref (repo_id, name, kind, commit_id) VALUES ('${fine}', ${name}, 'branch', '${oid("3")}')`;
const newBlob = (sha256: string, size = 1, git = oid("e")): string =>
  `INSERT INTO blob (sha256, size, storage_key, git_sha1, verified_at) VALUES ('${sha256}', ${size}, 'key-new', '${git}', now())`;
const newUpload = (columns: string, values: string): string =>
  `INSERT INTO upload (id, repo_id, path, storage_key, declared_size, expires_at${columns}) VALUES ('${uuid(30)}', '${fine}', 'b.safetensors', 'stage-2', 30, now() + interval '1 hour'${values})`;
const uploadVia = (...states: string[]): string =>
  [
    newUpload("", ""),
    ...states.map(
      (state) =>
        `UPDATE upload SET state = '${state}'${state === "failed" ? ", problem = 'x'" : state === "verified" ? `, blob_sha256 = '${sha("c")}'` : ""} WHERE id = '${uuid(30)}'`,
    ),
  ].join("; ");
const newPair = (columns: string, values: string): string =>
  `INSERT INTO pair (id, unit_id, unit_hash, guide_weights_sha256, protocol, runtime${columns}) VALUES (gen_random_uuid(), '${ids.unit}', '${sha("c")}', '${sha("d")}', '1', 'cpu-f32'${values})`;
const newComponent = (position: number, role: string, weights = sha("c")): string =>
  `INSERT INTO unit_component (unit_id, position, role, weights_sha256, strength, text_strength) VALUES ('${ids.unit}', ${position}, '${role}', '${weights}', 1, 1)`;
const newMeasurement = (level: number, n = 16, milliseconds = 1): string =>
  `INSERT INTO measurement (id, pair_id, level, attempt, n, raw, machine, milliseconds) VALUES (gen_random_uuid(), '${pair}', ${level}, 2, ${n}, '{}', 'test', ${milliseconds})`;
const newImage = (blob: string, rest = "64, 64, 20, 400"): string =>
  `INSERT INTO preview_image (preview_id, mode, seed, attempt, blob_sha256, width, height, passes, milliseconds) VALUES ('${preview}', 'cfg', 1, 1, '${blob}', ${rest})`;
const newColumn = (columns: string, values: string): string =>
  `INSERT INTO preview (id, unit_id, finetune_commit_id, recipe${columns}) VALUES (gen_random_uuid(), '${ids.unit}', '${oid("3")}', '{}'${values})`;
const newWebhook = (url: string, events = "{commit}", repo = "NULL"): string =>
  `INSERT INTO webhook (id, namespace_id, repo_id, url, secret, events) VALUES (gen_random_uuid(), '${lab}', ${repo}, '${url}', 's', '${events}')`;
const verdict = (word: string): string => `UPDATE pair SET verdict = '${word}', measured_at = now()`;

/** What the database refuses, by the rule that refuses it. */
const refused: readonly (readonly [rule: string, sql: string])[] = [
  ["app_user_email_is_small", "INSERT INTO app_user (id, name, email) VALUES ('eve', 'Eve', 'Eve@example.org')"],
  ["app_user_email_key", "INSERT INTO app_user (id, name, email) VALUES ('eve', 'Eve', 'ann@example.org')"],
  ["session_token_key", "INSERT INTO session (id, token, expires_at, user_id) VALUES ('t', 'token', now(), 'bob')"],
  [
    "account_provider_id_account_id_key",
    "INSERT INTO account (id, account_id, provider_id, user_id) VALUES ('b', 'ann', 'credential', 'bob')",
  ],
  ["apikey_key_key", "INSERT INTO apikey (id, key, reference_id) VALUES ('l', 'hash', 'bob')"],
  ["throttle_key_is_hex", "INSERT INTO throttle (key, count, resets_at) VALUES ('ann@example.org', 1, now())"],
  ["throttle_count_not_negative", "UPDATE throttle SET count = count - 2"],

  ["namespace_name_key_key", newNamespace("LAB")],
  [
    "namespace_user_id_key",
    "INSERT INTO namespace (id, kind, name, user_id) VALUES (gen_random_uuid(), 'user', 'ann2', 'ann')",
  ],
  ...["", "-lab", "lab-", "a--b", "a..b", "a b", "a/b", "ä", ".lab", "x".repeat(97)].map(
    (name) => ["namespace_name_is_a_name", newNamespace(name)] as const,
  ),
  [
    "namespace_of_a_user_has_one",
    "INSERT INTO namespace (id, kind, name) VALUES (gen_random_uuid(), 'user', 'nobody')",
  ],
  [
    "namespace_of_a_user_has_one",
    "INSERT INTO namespace (id, kind, name, user_id) VALUES (gen_random_uuid(), 'organisation', 'club', 'bob')",
  ],
  ["namespace_keeps_kind", `UPDATE namespace SET kind = 'user', user_id = 'bob' WHERE id = '${lab}'`],
  ["member_in_organisation", `INSERT INTO member (namespace_id, user_id, role) VALUES ('${ann}', 'bob', 'writer')`],
  ["member_in_organisation", `UPDATE member SET namespace_id = '${ann}'`],

  ["repo_name_unique_while_live", newRepo("STORYBOOK")],
  ...["", "a b", "../x", "a--b", "model.git", "model.GIT", "x".repeat(97)].map(
    (name) => ["repo_name_is_a_name", newRepo(name)] as const,
  ),
  ["repo_downloads_not_negative", "UPDATE repo SET downloads = -1"],
  ["repo_of_a_base_has_no_base", newRepo("b2", `'base', 'public', '${base}'`)],
  ["repo_base_is_a_base", newRepo("f2", `'finetune', 'public', '${guide}'`)],
  ["repo_base_is_a_base", `UPDATE repo SET base_id = '${fine}' WHERE id = '${guide}'`],
  [
    "repo_keeps_namespace",
    `UPDATE repo SET namespace_id = (SELECT id FROM namespace WHERE id <> repo.namespace_id LIMIT 1) WHERE id = '${fine}'`,
  ],
  ["quota_counts_not_negative", "UPDATE quota SET used_bytes = -1"],
  ["quota_limits_not_negative", "UPDATE quota SET limit_jobs = -1"],
  ["device_hour_not_negative", "INSERT INTO device_hour (user_id, hour, seconds) VALUES ('ann', now(), -1)"],
  ...[
    ["comparison_answer_of_one", "NULL, NULL"],
    ["comparison_answer_of_one", `'ann', '${sha("2")}'`],
    ["comparison_answer_is_hashed", "NULL, '192.0.2.1'"],
    ["comparison_answer_pair_id_prompt_sha256_user_id_key", "'bob', NULL"],
    ["comparison_answer_pair_id_prompt_sha256_address_key_key", `NULL, '${sha("1")}'`],
  ].map(([rule, whose]) => [rule!, newAnswer(sha("0"), whose!)] as const),
  ["comparison_answer_is_hashed", newAnswer("a red house", "'ann', NULL")],
  ...[
    ["installed_evaluator_is_of_a_kind", "('taste', 0)"],
    ["installed_evaluator_once", "('clip', 0), ('clip', 1)"],
  ].map(
    ([rule, rows]) =>
      [
        rule!,
        `INSERT INTO installed_evaluator (id, repo_id, commit_id, sha256, kind) SELECT gen_random_uuid(), gen_random_uuid(), '${sha("0")}', '${sha("0")}', kind FROM (VALUES ${rows}) v(kind, n)`,
      ] as const,
  ),
  ["repo_keeps_kind", `UPDATE repo SET kind = 'guide' WHERE id = '${fine}'`],
  ["repo_tags_are_few", "UPDATE repo SET tags = array_fill('t'::text, ARRAY[101])"],
  ["repo_hidden_before_purge", `DELETE FROM repo WHERE id = '${fine}'`],

  ...["abc", "G".repeat(40), oid("A"), oid("5") + "5"].map((id) => ["commit_id_is_hex", newCommit(id)] as const),
  ["commit_sequence_from_one", newCommit(oid("5"), { sequence: 0 })],
  ["commit_repo_id_sequence_key", newCommit(oid("5"), { sequence: 2 })],
  ["commit_is_not_its_parent", newCommit(oid("5"), { parent: oid("5") })],
  ["commit_repo_id_parent_id_fkey", newCommit(oid("5"), { parent: oid("1") })], // of another repo
  ["commit_title_is_short", newCommit(oid("5"), { title: "" })],
  ["commit_title_is_short", newCommit(oid("5"), { title: "x".repeat(501) })],
  ["commit_sums_not_negative", newCommit(oid("5"), { files: -1 })],
  ["commit_sums_not_negative", newCommit(oid("5"), { size: -1 })],
  ["commit_repo_id_tree_id_file_count_size_fkey", newCommit(oid("5"), { size: 31 })],
  ["commit_repo_id_tree_id_file_count_size_fkey", newCommit(oid("5"), { files: 3 })],
  ["commit_repo_id_tree_id_file_count_size_fkey", newCommit(oid("5"), { tree: `'${sha("e")}'` })],
  ["commit_stays", `UPDATE commit SET title = 'Other' WHERE id = '${oid("3")}'`],
  ["commit_stays", `UPDATE commit SET author_id = 'bob' WHERE id = '${oid("2")}'`],
  ["commit_stays", `UPDATE commit SET author_id = NULL, title = 'Other' WHERE id = '${oid("2")}'`],
  ["commit_stays", `DELETE FROM ref WHERE repo_id = '${fine}'; DELETE FROM commit WHERE id = '${oid("3")}'`],
  ["commit_stays", "TRUNCATE commit CASCADE"],
  [
    "commit_repo_id_id_key",
    `ALTER TABLE commit DISABLE TRIGGER USER; ALTER TABLE commit DROP CONSTRAINT commit_pkey CASCADE; ${newCommit(oid("3"))}`,
  ],

  ...[
    "''",
    "'/a'",
    "'a/'",
    "'a//b'",
    "'.'",
    "'..'",
    "'a/../b'",
    "'./a'",
    "'a\\b'",
    "E'a\\nb'",
    "E'a\\u0001'",
    "E'a\\u0085'",
    "E'\\u202egpj.exe'",
    "E'a\\u200bb'",
    "E'e\\u0301'",
    "repeat('x', 1025)",
  ].map((path) => ["tree_entry_path_is_a_path", commitWith(path)] as const),
  ["tree_entry_path_is_a_path", plant(filesAt("'a'", "'./b'"))],
  ["tree_is_whole", commitWith("'Arger'", "'aRGER'")], // each path once, whatever its capital letters
  ["tree_is_whole", newNode(`'${sha("e")}'`, 0, 0, 0, 0)], // its id is not that of its entries
  ["tree_is_whole", newNode("pg_temp.leaf_id('{}', '{}', '{}')", 0, 1, 0, 0)],
  ["tree_is_whole", newNode("pg_temp.leaf_id('{}', '{}', '{}')", 0, 0, 1, 0)],
  ["tree_is_whole", newNode("pg_temp.leaf_id('{}', '{}', '{}')", 0, 0, 0, 1)],
  [
    "tree_is_whole",
    newEntry(
      `'${leaf}'`,
      "ordinal, key, path, blob_sha256, lfs, file_count, size",
      `2, 'z', 'z', '${sha("a")}', true, 1, 10`,
    ),
  ], // added later
  ["tree_is_whole", `${newNode(over, 1, 1, 2, 30)}; ${newChild("'a.safetensors'", "'a.safetensors'")}`], // it begins elsewhere
  ["tree_is_whole", `${newNode(over, 2, 1, 2, 30)}; ${newChild("'a.safetensors'", "'readme.md'")}`], // two levels higher
  [
    "tree_entry_repo_id_child_id_file_count_size_fkey",
    `${newNode(over, 1, 1, 2, 31)}; ${newChild("'a.safetensors'", "'readme.md'", 31)}`,
  ],
  ["tree_entry_key_is_of_its_path", newEntry(`'${leaf}'`, file, `2, 'b', 'B2', '${sha("a")}', true, 1, 10`)],
  ["tree_entry_is_a_file_or_a_tree", newEntry(`'${leaf}'`, file, `2, 'b', 'b', NULL, true, 1, 10`)],
  ["tree_entry_is_a_file_or_a_tree", newEntry(`'${leaf}'`, file, `2, 'b', 'b', '${sha("a")}', true, 2, 10`)],
  ["repo_blob_blob_sha256_size_fkey", newPossession("a", 11, ids.guide)], // a lie about its size
  [
    "tree_entry_repo_id_blob_sha256_size_fkey",
    `ALTER TABLE repo_blob DISABLE TRIGGER USER; DELETE FROM repo_blob WHERE repo_id = '${fine}' AND blob_sha256 = '${sha("b")}'`,
  ],
  ["tree_id_is_hex", newNode("'x'", 0, 0, 0, 0)],
  ["tree_is_small", newNode(`'${sha("e")}'`, 9, 0, 0, 0)],
  ["tree_is_small", newNode(`'${sha("e")}'`, 0, 33, 33, 0)],
  ["tree_sums_not_negative", newNode(`'${sha("e")}'`, 0, 0, -1, 0)],
  [
    "tree_repo_id_id_file_count_size_key",
    `ALTER TABLE tree DROP CONSTRAINT tree_pkey CASCADE; INSERT INTO tree SELECT * FROM tree`,
  ],
  ["repo_blob_head_paths_not_negative", "UPDATE repo_blob SET head_paths = -1"],
  [
    "repo_blob_repo_id_blob_sha256_size_key",
    `ALTER TABLE repo_blob DROP CONSTRAINT repo_blob_pkey CASCADE; INSERT INTO repo_blob SELECT * FROM repo_blob`,
  ],
  ["tree_stays", "UPDATE tree SET size = 1"],
  ["tree_stays", "DELETE FROM tree"],
  ["tree_stays", "TRUNCATE tree CASCADE"],
  ["tree_entry_stays", "UPDATE tree_entry SET path = 'b'"],
  ["tree_entry_stays", "DELETE FROM tree_entry"],
  ["tree_entry_stays", "TRUNCATE tree_entry"],
  ["repo_blob_stays", "UPDATE repo_blob SET size = 1"],
  ["repo_blob_stays", "DELETE FROM repo_blob"],
  ["repo_blob_stays", "TRUNCATE repo_blob CASCADE"],

  ...[
    "''",
    "'-x'",
    "'/x'",
    "'x/'",
    "'x.'",
    "'a..b'",
    "'a//b'",
    "'a b'",
    "'a~b'",
    "'a^b'",
    "'a:b'",
    "'a?b'",
    "'a*b'",
    "'a[b'",
    "'a\\b'",
    "'x.lock'",
    "'a@{b'",
    "E'a\\tb'",
    `'${oid("a")}'`,
    "repeat('x', 256)",
  ].map((name) => ["ref_name_is_a_name", newRef(name)] as const),
  ["ref_version_from_one", "ALTER TABLE ref DISABLE TRIGGER USER; UPDATE ref SET version = 0"],
  [
    "ref_repo_id_commit_id_fkey",
    `UPDATE ref SET commit_id = '${oid("1")}', version = 2 WHERE repo_id = '${fine}' AND name = 'main'`,
  ], // of another repo
  ["ref_version_counts_moves", `UPDATE ref SET commit_id = '${oid("2")}' WHERE repo_id = '${fine}' AND name = 'main'`],
  [
    "ref_version_counts_moves",
    `UPDATE ref SET commit_id = '${oid("2")}', version = 3 WHERE repo_id = '${fine}' AND name = 'main'`,
  ],
  ["ref_version_counts_moves", "UPDATE ref SET version = 2"],
  ["ref_tag_stays", `UPDATE ref SET commit_id = '${oid("3")}', version = 2 WHERE name = 'v1'`],
  ["ref_keeps_kind", "UPDATE ref SET kind = 'branch' WHERE name = 'v1'"],

  ...["abc", sha("A"), sha("g"), sha("a") + "a"].map((value) => ["blob_sha256_is_hex", newBlob(value)] as const),
  ["blob_git_sha1_is_hex", newBlob(sha("e"), 1, "e")],
  ["blob_size_not_negative", newBlob(sha("e"), -1)],
  ["markdown_says_why_it_is_no_html", "UPDATE markdown SET problem = 'It is too long.'"],
  ["blob_storage_key_key", newBlob(sha("e")).replace("key-new", "key-a")],
  ["blob_sha256_size_key", `ALTER TABLE blob DROP CONSTRAINT blob_pkey CASCADE; ${newBlob(sha("a"), 10)}`],
  ["blob_stays", `UPDATE blob SET storage_key = 'elsewhere' WHERE sha256 = '${sha("d")}'`],
  ["blob_stays", `UPDATE blob SET size = 41 WHERE sha256 = '${sha("d")}'`],
  ["blob_stays", `UPDATE blob SET storage_tag = 'v2' WHERE sha256 = '${sha("d")}'`],
  ["blob_in_use", `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("a")}'`], // by a commit
  ["blob_in_use", `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("c")}'`], // by a verified upload
  ["blob_in_use", `${newImage(sha("d"))}; UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'`],
  ["blob_marked_before_delete", `DELETE FROM blob WHERE sha256 = '${sha("d")}'`],
  ["blob_is_purging", `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'; ${newPossession("d", 40)}`],
  ["blob_is_purging", `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'; ${newImage(sha("d"))}`],
  [
    "blob_is_purging",
    `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'; ${newUpload("", "")}; UPDATE upload SET state = 'hashing' WHERE id = '${uuid(30)}'; UPDATE upload SET state = 'verified', blob_sha256 = '${sha("d")}' WHERE id = '${uuid(30)}'`,
  ],
  ...[
    ["autov2", "aaaaaaaaa"],
    ["crc32", "AAAAAAAA"],
    ["blake3", "aa"],
    ["autov3", sha("a")],
    ["autov1", ""],
    ["tensors", oid("a")],
  ].map(
    ([algorithm, value]) =>
      ["blob_hash_value_is_hex", `INSERT INTO blob_hash VALUES ('${sha("d")}', '${algorithm}', '${value}')`] as const,
  ),

  ["upload_sha256_is_hex", newUpload(", declared_sha256", ", 'abc'")],
  ["upload_size_not_negative", newUpload("", "").replace("30,", "-1,")],
  ["upload_part_size_positive", newUpload(", part_size", ", 0")],
  ["upload_attempt_not_negative", newUpload(", attempt", ", -1")],
  ["upload_cleared_has_ended", `${newUpload("", "")}; UPDATE upload SET cleared_at = now() WHERE id = '${uuid(30)}'`],
  ["upload_expires_after_it_began", newUpload("", "").replace("+ interval", "- interval")],
  ["upload_storage_key_key", newUpload("", "").replace("stage-2", "stage-1")],
  ["upload_user_id_idempotency_key_key", newUpload(", user_id, idempotency_key", ", 'ann', 'once'")],
  ["upload_begins_open", newUpload(", state", ", 'receiving'")],
  ["upload_verified_has_its_blob", "UPDATE upload SET blob_sha256 = NULL"],
  ["upload_path_is_a_path", newUpload("", "").replace("b.safetensors", "../b.safetensors")],
  ["upload_failed_says_why", `${newUpload("", "")}; UPDATE upload SET state = 'failed' WHERE id = '${uuid(30)}'`],
  [
    "upload_blob_is_what_was_declared",
    `${newUpload(", declared_sha256", `, '${sha("a")}'`)}; UPDATE upload SET state = 'hashing' WHERE id = '${uuid(30)}'; UPDATE upload SET state = 'verified', blob_sha256 = '${sha("c")}' WHERE id = '${uuid(30)}'`,
  ],
  [
    "upload_blob_is_what_was_declared",
    `${newUpload("", "")}; UPDATE upload SET state = 'hashing' WHERE id = '${uuid(30)}'; UPDATE upload SET state = 'verified', blob_sha256 = '${sha("d")}' WHERE id = '${uuid(30)}'`,
  ], // 40 bytes, not 30
  ["upload_stays", "UPDATE upload SET declared_size = 31"],
  ["upload_stays", `UPDATE upload SET repo_id = '${base}'`],
  ["upload_stays", "UPDATE upload SET storage_key = 'elsewhere'"],
  ["upload_stays", "UPDATE upload SET user_id = 'bob'"],
  ["upload_stays", `UPDATE upload SET blob_sha256 = '${sha("d")}'`],
  ["upload_stays", `UPDATE upload SET state = 'linked', blob_sha256 = '${sha("d")}'`],
  ["upload_attempt_grows", "UPDATE upload SET attempt = 1"],

  [
    "inspection_commit_id_tool_version_key",
    `INSERT INTO inspection (id, commit_id, tool_version) VALUES (gen_random_uuid(), '${oid("3")}', '1')`,
  ],
  ["inspection_weights_are_hex", "UPDATE inspection SET weights_sha256 = 'abc'"],
  ["inspection_own_weights_are_hex", "UPDATE inspection SET own_weights_sha256 = 'abc'"],
  ["repo_weights_are_hex", "UPDATE repo_weights SET measured_as = 'abc'"],

  ["unit_is_hashed", `INSERT INTO unit (id, hash) VALUES ('${sha("2")}', 'abc')`],
  ["unit_component_weights_are_hex", newComponent(1, "lora", "abc")],
  ["unit_component_begins_with_a_base", newComponent(1, "base")],
  ["unit_component_begins_with_a_base", newComponent(-1, "lora")],
  ["unit_stays", "UPDATE unit_component SET strength = 0.5"],
  ["unit_stays", `UPDATE unit_component SET commit_id = '${oid("2")}'`],
  [
    "inspection_succeeded_has_facts",
    "UPDATE inspection SET state = 'running', attempt = 1; UPDATE inspection SET state = 'succeeded'",
  ],

  [
    "pair_unit_hash_guide_weights_sha256_protocol_runtime_key",
    newPair("", "").replace(sha("c"), sha("a")).replace(sha("d"), sha("b")),
  ],
  ["pair_weights_are_hex", newPair("", "").replace(sha("c"), "c")],
  ["pair_weights_are_hex", newPair("", "").replace(sha("d"), "d")],
  ["pair_is_of_kinds", newPair(", finetune_commit_id", `, '${oid("4")}'`)],
  ["pair_is_of_kinds", newPair(", guide_commit_id", `, '${oid("3")}'`)],
  ["pair_verdict_has_a_date", "UPDATE pair SET verdict = 'incompatible'"],
  ["pair_verdict_is_measured", verdict("verified")], // level 4 is missing
  ["pair_verdict_is_measured", verdict("usable_with_limits")],
  ["pair_verdict_is_measured", `${newMeasurement(4, 0)}; ${verdict("verified")}`], // of nothing
  ["pair_verdict_is_measured", newPair(", verdict, measured_at", ", 'verified', now()")],
  ["measurement_level_in_range", newMeasurement(-1)],
  ["measurement_level_in_range", newMeasurement(6)],
  ["measurement_numbers_not_negative", newMeasurement(4, -1)],
  ["measurement_numbers_not_negative", newMeasurement(4, 1, -1)],
  ["measurement_pair_id_level_attempt_key", newMeasurement(0).replace("0, 2,", "0, 1,")],
  ["measurement_stays", "UPDATE measurement SET n = 1000"],
  [
    "kept_piece_storage_key_key",
    `INSERT INTO kept_piece (unit_hash, name, storage_key, sha256, size) VALUES ('u', 'b', 'k', 's', 1)`,
  ],
  ["study_pair_id_kind_key", `INSERT INTO study (id, pair_id, kind) VALUES (gen_random_uuid(), '${pair}', 'curve')`],
  ["study_kind", `INSERT INTO study (id, pair_id, kind) VALUES (gen_random_uuid(), '${pair}', 'check')`],
  ["guide_try_counts_from_one", "UPDATE guide_try SET number = 0"],
  [
    "measuring_period_keeps_its_promise",
    `INSERT INTO measuring_period (number, committed_at, starts_at, ends_at, commitment, secret) VALUES (2, now(), now(), now(), '${sha("6")}', '${sha("5")}')`,
  ],
  ["promise_stays", "UPDATE measuring_period SET starts_at = starts_at + interval '1 day'"],

  ["preview_attached_is_kept", "UPDATE preview SET is_attached = true, expires_at = now()"],
  ["preview_sheet_is_whole", newColumn(", pair_id", `, '${pair}'`)],
  ["preview_sheet_is_whole", newColumn(", sheet_index", ", 1")],
  ["preview_sheet_is_whole", newColumn(", pair_id, sheet_index", `, '${pair}', -1`)],
  ["preview_sheet_is_whole", newColumn(", pair_id, sheet_index", `, '${pair}', 100`)],
  ["preview_sheet_is_kept", newColumn(", pair_id, sheet_index, user_id", `, '${pair}', 1, 'ann'`)],
  ["preview_sheet_is_kept", `UPDATE preview SET expires_at = now() WHERE id = '${column}'`],
  ["preview_pair_id_sheet_index_key", newColumn(", pair_id, sheet_index", `, '${pair}', 0`)],
  ["preview_image_stays", "UPDATE preview_image SET passes = 1"],
  ["preview_image_seed_has_64_bits", newImage(sha("b"), "64, 64, 20, 400").replace("'cfg', 1,", "'cfg', -1,")],
  ["preview_image_has_a_size", newImage(sha("b"), "0, 64, 20, 400")],
  ["preview_image_numbers_not_negative", newImage(sha("b"), "64, 64, -1, 400")],

  ["distillation_metric_step_not_negative", "UPDATE distillation_metric SET step = -1"],
  ["distillation_look_step_not_negative", "UPDATE distillation_look SET step = -1"],
  ["distillation_sample_numbers_not_negative", "UPDATE distillation_sample SET step = -1"],
  [
    "distillation_sample_storage_key_key",
    "INSERT INTO distillation_sample SELECT distillation_id, 2, position, mode, prompt, width, height, storage_key, sha256, size FROM distillation_sample",
  ],
  ["distillation_work_positive", "UPDATE distillation SET work = 0"],
  ["distillation_kept_steps_not_negative", "UPDATE distillation SET kept_steps = -1"],
  ["distillation_paused_does_nothing", "UPDATE distillation SET state = 'running', paused_at = now()"],

  ...["inspection", "pair", "preview", "distillation"].flatMap((table) => [
    [`${table}_attempt_not_negative`, `UPDATE ${table} SET attempt = -1`] as const,
    [`${table}_failed_says_why`, `UPDATE ${table} SET state = 'failed'`] as const,
  ]),
  [
    "job_subject_id_kind_key",
    `INSERT INTO job (id, kind, subject_id, resource, lane, priority) VALUES (gen_random_uuid(), 'check', '${ids.pair}', 'compute', 'minutes', 0)`,
  ],
  ["job_failed_says_why", "UPDATE job SET state = 'failed'"],
  ["job_numbers_not_negative", "ALTER TABLE job DISABLE TRIGGER USER; UPDATE job SET attempt = -1"],
  ["job_numbers_not_negative", "UPDATE job SET work = 0"],
  ["job_numbers_not_negative", "UPDATE job SET ran = -1"],
  ["job_attempt_grows", "UPDATE job SET state = 'running'"], // a claim that is not counted
  ["job_attempt_grows", "UPDATE job SET state = 'running', attempt = 2; UPDATE job SET attempt = 1"],
  ["job_moves", "UPDATE job SET state = 'succeeded'"],
  ["job_moves", "UPDATE job SET state = 'cancelled'; UPDATE job SET state = 'running', attempt = 1"],

  ["outbox_kind_is_a_name", `INSERT INTO outbox (kind, subject_id) VALUES ('something happened', '${pair}')`],
  ["outbox_stays", "UPDATE outbox SET detail = '{}' WHERE kind LIKE 'job.%'"],
  ["outbox_stays", "UPDATE outbox SET actor_id = 'bob'"],
  ["outbox_stays", "DELETE FROM outbox WHERE kind = 'repo.create'"],
  ["outbox_stays", "TRUNCATE outbox"],
  ["webhook_url_is_web", newWebhook("file:///etc/passwd")],
  ["webhook_url_is_web", newWebhook("https://a b")],
  ["webhook_url_is_web", newWebhook(`https://${"x".repeat(2048)}`)],
  ["webhook_hears_of_something", newWebhook("https://example.org", "{}")],
  ["webhook_failures_not_negative", "UPDATE webhook SET failures = -1"],
  ["webhook_unique_target", newWebhook("https://example.org/hook", "{commit}", `'${fine}'`)],
  ["webhook_unique_target", `${newWebhook("https://example.org/all")}; ${newWebhook("https://example.org/all")}`],
  ["download_day_count_positive", "UPDATE download_day SET count = 0"],
  ["download_seen_visitor_is_hex", "UPDATE download_seen SET visitor = '127.0.0.1'"],
  ["download_network_is_hex", "UPDATE download_network SET network = '127.0.0.0'"],
  ["download_network_count_positive", "UPDATE download_network SET count = 0"],
  ["facet_due_is_of_one", "INSERT INTO facet_due DEFAULT VALUES"],
  ["facet_due_is_of_one", `INSERT INTO facet_due (repo_id, weights_sha256) VALUES ('${fine}', '${sha("a")}')`],
];

/** The nearest things that it takes. */
const taken: readonly string[] = [
  "INSERT INTO app_user (id, name, email) VALUES ('eve', 'Eve', 'eve@example.org')",
  ...["a", "Lab2", "a-b.c_d", "_x_", "x".repeat(96)].map(newNamespace),
  newRepo("pencil-2"),
  `UPDATE repo SET deleted_at = now() WHERE id = '${fine}'; ${newRepo("Pencil")}`, // the name is free again
  `UPDATE repo SET name = 'crayon', visibility = 'private' WHERE id = '${fine}'`,
  commitWith("'unet/Ärger 日本語.safetensors'"),
  commitWith("'...'"),
  commitWith("'.gitattributes'"),
  newCommit(oid("5"), { parent: oid("3") }),
  `UPDATE commit SET author_id = NULL WHERE id = '${oid("2")}'`,
  ...["'feature/x'", "'v1.0'", "'日本'", "'refs/pr/1'", "'abc123'"].map(newRef),
  `UPDATE ref SET commit_id = '${oid("2")}', version = 2 WHERE repo_id = '${fine}' AND name = 'main'`,
  "DELETE FROM ref WHERE name = 'v1'",
  `UPDATE blob SET verified_at = now() WHERE sha256 = '${sha("a")}'`,
  `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("d")}'; DELETE FROM blob WHERE sha256 = '${sha("d")}'`,
  newUpload(", user_id, idempotency_key", ", 'bob', 'once'"),
  `${verdict("incompatible")}`,
  `${verdict("verified")}; ${newMeasurement(4)}`, // in any order within one transaction
  newPair(", finetune_commit_id, guide_commit_id", `, '${oid("1")}', '${oid("4")}'`), // a guide on its own base
  newColumn(", pair_id, sheet_index", `, '${pair}', 99`),
  newColumn("", ""), // of nobody, as the hub itself may ask for one
  "UPDATE inspection SET state = 'running', attempt = 1; UPDATE inspection SET state = 'succeeded', facts = '{}', finished_at = now(); UPDATE inspection SET state = 'queued'",
  "DELETE FROM outbox WHERE kind LIKE 'job.%'",
  newWebhook("http://localhost:3000/hook", "{commit,pair}"),
];

describe("the database refuses what breaks", () => {
  for (const [rule, sql] of refused) {
    test(`${rule}: ${brief(sql)}`, async () => {
      expect(await attempt(sql)).toMatchObject({ constraint: rule });
    });
  }
});

describe("the database takes", () => {
  for (const sql of taken) {
    test(brief(sql), async () => {
      expect(await attempt(sql)).toBeNull();
    });
  }
});

function brief(sql: string): string {
  return (sql.split("; ").at(-1) ?? sql)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/(\w)\1{20,}/g, "$1…")
    .slice(0, 140);
}

const states = ["open", "receiving", "hashing", "verified", "linked", "failed", "aborted", "expired"] as const;
const ways: Readonly<Record<(typeof states)[number], readonly string[]>> = {
  open: [],
  receiving: ["receiving"],
  hashing: ["receiving", "hashing"],
  verified: ["receiving", "hashing", "verified"],
  linked: ["receiving", "hashing", "verified", "linked"],
  failed: ["failed"],
  aborted: ["aborted"],
  expired: ["expired"],
};
const moves = new Set(
  "open>receiving open>hashing receiving>hashing hashing>verified verified>linked open>failed receiving>failed hashing>failed open>aborted receiving>aborted hashing>aborted verified>aborted open>expired receiving>expired hashing>expired verified>expired".split(
    " ",
  ),
);

describe("an upload moves", () => {
  for (const from of states) {
    for (const to of states.filter((state) => state !== from)) {
      const isAllowed = moves.has(`${from}>${to}`);
      test(`from ${from} ${isAllowed ? "to" : "never to"} ${to}`, async () => {
        const failure = await attempt(uploadVia(...ways[from], to));
        expect(failure?.constraint ?? null).toBe(isAllowed ? null : "upload_moves");
      });
    }
  }
});

test("a word that is not one of an enumeration is refused", async () => {
  for (const sql of [
    "UPDATE upload SET state = 'done'",
    "UPDATE repo SET kind = 'lora'",
    "UPDATE repo SET visibility = 'secret'",
    "UPDATE pair SET verdict = 'probably'",
    "UPDATE ref SET kind = 'head'",
    "UPDATE member SET role = 'god'",
    "UPDATE webhook SET events = '{everything}'",
    "UPDATE preview_image SET mode = 'none'",
  ])
    expect(await attempt(sql)).toMatchObject({ code: "22P02" });
});

describe("every foreign key", async () => {
  const nowhere: Readonly<Record<string, string>> = {
    app_user: "'nobody'",
    commit: `'${oid("e")}'`,
    blob: `'${sha("e")}'`,
    measuring_period: "-1",
  };
  const admin = new pg.Client({ connectionString: temp.url });
  await admin.connect();
  const { rows } = await admin.query<{ name: string; child: string; parent: string; columns: string[] }>(`
    SELECT conname AS name, conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
      ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k(number, place) JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place) AS columns
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1`);
  await admin.end();
  for (const { name, child, parent, columns } of rows) {
    test(`${name} points at something`, async () => {
      const column = columns.at(-1)!;
      const value = column === "size" ? "size + 1" : (nowhere[parent] ?? "gen_random_uuid()");
      const one = `(SELECT ctid FROM ${child} WHERE ${columns.map((each) => `${each} IS NOT NULL`).join(" AND ")} LIMIT 1)`;
      const alone = `ALTER TABLE ${child} DISABLE TRIGGER USER; ALTER TABLE upload DROP CONSTRAINT upload_blob_is_what_was_declared`; // other rules would speak first
      const failure = await attempt(`${alone}; UPDATE ${child} SET ${column} = ${value} WHERE ctid = ${one}`);
      expect(failure).toMatchObject({ constraint: name, code: "23503" });
    });
  }
});

test("every rule of the database has a statement above that breaks it", async () => {
  const { rows } = await client.query<{ rule: string }>(`
    SELECT conname AS rule FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
    UNION SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
      WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'
    UNION SELECT m[1] FROM pg_proc, regexp_matches(prosrc, 'refuse\\(''(\\w+)''', 'g') m WHERE pronamespace = 'public'::regnamespace
    UNION SELECT relname || m[1] FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid,
      regexp_matches(prosrc, 'refuse\\(TG_TABLE_NAME \\|\\| ''(\\w+)''', 'g') m`);
  const broken = new Set(
    refused
      .map(([rule]) => rule)
      .filter((rule) => !rule.endsWith("_fkey"))
      .concat("upload_moves"),
  );
  expect([...broken].toSorted()).toEqual(rows.map(({ rule }) => rule).toSorted());
});
