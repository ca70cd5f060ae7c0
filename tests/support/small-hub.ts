import { treeFunctions } from "./plant-tree.ts";

export const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
/** The sha256 of a blob: a, b, c and d are there, of 10, 20, 30 and 40 bytes. */
export const sha = (digit: string): string => digit.repeat(64);
/** The id of a commit: 1 (base), 2 and 3 (fine-tune), 4 (guide) are there. */
export const oid = (digit: string): string => digit.repeat(40);

export const ids = {
  ann: uuid(1), // namespaces
  lab: uuid(2),
  base: uuid(3), // repos
  fine: uuid(4),
  guide: uuid(5),
  upload: uuid(6), // verified: blob c
  pair: uuid(7), // not measured; has the levels 0, 1 and 2
  preview: uuid(8),
  column: uuid(23), // of the pair's sheet
  unit: sha("1"), // of the fine-tune's newest commit
  distillation: uuid(9),
} as const;

const { ann, lab, base, fine, guide, upload, pair, preview, column, unit, distillation } = ids;

const leafBelow = `pg_temp.leaf_id('{unet/a.safetensors}', '{${sha("a")}}', '{10}')`;
const nodeOver = `encode(sha256(convert_to('tree ' || ${leafBelow}, 'UTF8')), 'hex')`;

/** SQL that fills a migrated database with at least one row of everything, each keeping all rules. */
export const smallHub = `
  ${treeFunctions}
  INSERT INTO app_user (id, name, email) VALUES ('ann', 'Ann', 'ann@example.org'), ('bob', 'Bob', 'bob@example.org');
  INSERT INTO session (id, token, expires_at, user_id) VALUES ('s', 'token', now(), 'ann');
  INSERT INTO account (id, account_id, provider_id, user_id) VALUES ('a', 'ann', 'credential', 'ann');
  INSERT INTO apikey (id, key, reference_id) VALUES ('k', 'hash', 'ann');
  INSERT INTO throttle (key, count, resets_at) VALUES ('${sha("e")}', 1, now() + interval '15 minutes');
  INSERT INTO namespace (id, kind, name, user_id) VALUES ('${ann}', 'user', 'ann', 'ann'), ('${lab}', 'organisation', 'Lab', NULL);
  INSERT INTO member (namespace_id, user_id, role) VALUES ('${lab}', 'ann', 'owner');
  INSERT INTO repo (id, namespace_id, name, kind, visibility, base_id) VALUES
    ('${base}', '${lab}', 'Storybook', 'base', 'public', NULL),
    ('${fine}', '${lab}', 'pencil', 'finetune', 'public', '${base}'),
    ('${guide}', '${ann}', 'tiny', 'guide', 'private', '${base}');
  INSERT INTO blob (sha256, size, storage_key, git_sha1, verified_at) VALUES
    ('${sha("a")}', 10, 'key-a', '${oid("a")}', now()), ('${sha("b")}', 20, 'key-b', '${oid("b")}', now()),
    ('${sha("c")}', 30, 'key-c', '${oid("c")}', now()), ('${sha("d")}', 40, 'key-d', '${oid("d")}', now());
  INSERT INTO blob_hash (blob_sha256, algorithm, value) VALUES ('${sha("a")}', 'autov2', 'aaaaaaaaaa');
  INSERT INTO markdown (sha256, reader, front_matter, facts, text, html, is_cut, warnings) VALUES ('${sha("b")}', 1, '{}', '{}', 'Hi', '<p>Hi</p>', false, '{}');
  BEGIN;
  INSERT INTO commit (id, repo_id, sequence, parent_id, author_id, title, file_count, size, tree_id) VALUES
    ('${oid("1")}', '${base}', 1, NULL, 'ann', 'First', 1, 10, ${nodeOver}),
    ('${oid("2")}', '${fine}', 1, NULL, 'ann', 'First', 1, 10, pg_temp.leaf_id('{a.safetensors}', '{${sha("a")}}', '{10}')),
    ('${oid("3")}', '${fine}', 2, '${oid("2")}', 'bob', 'Second', 2, 30, pg_temp.leaf_id('{a.safetensors,README.md}', '{${sha("a")},${sha("b")}}', '{10,20}')),
    ('${oid("4")}', '${guide}', 1, NULL, NULL, 'First', 0, 0, pg_temp.leaf_id('{}', '{}', '{}'));
  SELECT pg_temp.plant('${base}', '${oid("1")}', '{unet/a.safetensors}', '{${sha("a")}}', '{10}', 1);
  INSERT INTO tree VALUES ('${base}', ${nodeOver}, 1, 1, 1, 10);
  INSERT INTO tree_entry (repo_id, tree_id, ordinal, key, last_key, child_id, file_count, size) VALUES
    ('${base}', ${nodeOver}, 0, 'unet' || chr(1) || 'a.safetensors', 'unet' || chr(1) || 'a.safetensors', ${leafBelow}, 1, 10);
  SELECT pg_temp.plant('${fine}', '${oid("2")}', '{a.safetensors}', '{${sha("a")}}', '{10}');
  SELECT pg_temp.plant('${fine}', '${oid("3")}', '{a.safetensors,README.md}', '{${sha("a")},${sha("b")}}', '{10,20}', 1);
  SELECT pg_temp.plant('${guide}', '${oid("4")}', '{}', '{}', '{}');
  COMMIT;
  INSERT INTO ref (repo_id, name, kind, commit_id) VALUES
    ('${base}', 'main', 'branch', '${oid("1")}'), ('${fine}', 'main', 'branch', '${oid("3")}'), ('${fine}', 'v1', 'tag', '${oid("2")}'), ('${guide}', 'main', 'branch', '${oid("4")}');
  INSERT INTO upload (id, repo_id, user_id, path, declared_size, declared_sha256, idempotency_key, storage_key, expires_at) VALUES
    ('${upload}', '${fine}', 'ann', 'b.safetensors', 30, '${sha("c")}', 'once', 'stage-1', now() + interval '1 hour');
  UPDATE upload SET state = 'receiving';
  UPDATE upload SET state = 'hashing', attempt = 2;
  UPDATE upload SET state = 'verified', blob_sha256 = declared_sha256;
  INSERT INTO inspection (id, commit_id, tool_version, base_commit_id) VALUES ('${uuid(20)}', '${oid("3")}', '1', '${oid("1")}');
  INSERT INTO worker (id, host, pid, version, runtime) VALUES ('${uuid(22)}', 'here', 1, '1', 'cpu-f32');
  INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at) VALUES ('${fine}', '${sha("a")}', '${sha("a")}', now()), ('${guide}', '${sha("b")}', '${sha("b")}', now());
  INSERT INTO unit (id, hash) VALUES ('${unit}', '${sha("a")}');
  INSERT INTO unit_component (unit_id, position, role, commit_id, weights_sha256, strength, text_strength) VALUES ('${unit}', 0, 'base', '${oid("3")}', '${sha("a")}', 1, 1);
  INSERT INTO measuring_period (number, committed_at, starts_at, ends_at, commitment, secret) VALUES
    (1, now(), now(), now() + interval '7 days', encode(sha256(decode('${sha("5")}', 'hex')), 'hex'), '${sha("5")}');
  INSERT INTO guide_try (unit_hash, guide_weights_sha256, number, period, namespace_id) VALUES ('${sha("a")}', '${sha("b")}', 1, 1, '${lab}');
  INSERT INTO pair (id, unit_hash, guide_weights_sha256, protocol, runtime, unit_id, finetune_commit_id, guide_commit_id, period) VALUES
    ('${pair}', '${sha("a")}', '${sha("b")}', '1', 'cpu-f32', '${unit}', '${oid("3")}', '${oid("4")}', 1);
  INSERT INTO kept_piece (unit_hash, name, storage_key, sha256, size) VALUES ('u', 'a', 'k', 's', 1);
  INSERT INTO study (id, pair_id, kind) VALUES (gen_random_uuid(), '${pair}', 'curve');
  INSERT INTO measurement (id, pair_id, level, attempt, n, raw, machine, milliseconds)
    SELECT gen_random_uuid(), '${pair}', level, 1, 16, '{}', 'test', 1 FROM unnest(ARRAY[0, 1, 2]) level;
  INSERT INTO preview (id, user_id, unit_id, finetune_commit_id, guide_commit_id, recipe) VALUES ('${preview}', 'ann', '${unit}', '${oid("3")}', '${oid("4")}', '{}');
  INSERT INTO preview (id, unit_id, finetune_commit_id, guide_commit_id, recipe, pair_id, sheet_index) VALUES ('${column}', '${unit}', '${oid("3")}', '${oid("4")}', '{}', '${pair}', 0);
  INSERT INTO preview_image (preview_id, mode, seed, attempt, blob_sha256, width, height, passes, milliseconds) VALUES ('${preview}', 'guide', 1, 1, '${sha("b")}', 64, 64, 20, 400);
  INSERT INTO distillation (id, repo_id, user_id, base_commit_id, result_commit_id, asked) VALUES ('${distillation}', '${guide}', 'ann', '${oid("1")}', '${oid("4")}', '{}');
  INSERT INTO distillation_metric (distillation_id, name, step, value) VALUES ('${distillation}', 'loss', 1, 0.5);
  INSERT INTO distillation_look (distillation_id, step, found) VALUES ('${distillation}', 1, '{}');
  INSERT INTO distillation_sample (distillation_id, step, position, mode, prompt, width, height, storage_key, sha256, size) VALUES ('${distillation}', 1, 0, 'guide', 'a house', 64, 64, 'key-sample', '${sha("b")}', 20);
  INSERT INTO job (id, kind, subject_id, resource, lane, priority, user_id) VALUES ('${uuid(24)}', 'check', '${pair}', 'compute', 'minutes', 0, 'ann');
  INSERT INTO job_progress (job_id, subject_id, value) VALUES ('${uuid(24)}', '${pair}', '{}');
  INSERT INTO hub_clock (what, done_at) VALUES ('listing', now());
  INSERT INTO job_turn (resource, group_id, used) VALUES ('compute', 'ann', 1);
  INSERT INTO outbox (kind, subject_id, detail) VALUES ('job.started', '${pair}', '{"subject": "pair", "attempt": 1, "message": "began"}');
  INSERT INTO outbox (actor_id, kind, subject_id) VALUES ('ann', 'repo.create', '${fine}');
  INSERT INTO device_hour (user_id, hour, seconds) VALUES ('ann', '2026-01-01', 1);
  INSERT INTO comparison_answer (id, pair_id, prompt_sha256, user_id, address_key, guide_was_first, preferred) VALUES
    (gen_random_uuid(), '${pair}', '${sha("0")}', 'bob', NULL, true, 'guide'), (gen_random_uuid(), '${pair}', '${sha("0")}', NULL, '${sha("1")}', true, 'cfg');
  INSERT INTO webhook (id, namespace_id, repo_id, url, secret, events, created_by_id) VALUES ('${uuid(21)}', '${lab}', '${fine}', 'https://example.org/hook', 's', '{commit}', 'ann');
  INSERT INTO download_day (repo_id, day, count) VALUES ('${fine}', '2026-01-01', 1);
  INSERT INTO download_seen (repo_id, day, visitor) VALUES ('${fine}', '2026-01-01', '${sha("0")}');
  INSERT INTO facet_due (repo_id) VALUES ('${fine}');
  INSERT INTO counted_repo (repo_id, "values") VALUES ('${fine}', '{finetune,NULL,mit,1,not_measured}');
  INSERT INTO facet_count (facet, chosen, value, count) VALUES (0, facet_choice('{NULL,NULL,NULL,NULL,NULL}'), 'finetune', 1);
  INSERT INTO download_network (network, day, count) VALUES ('${sha("1")}', '2026-01-01', 1);
`;
