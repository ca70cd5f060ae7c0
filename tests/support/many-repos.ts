import { createHash } from "node:crypto";

/** Tables whose triggers are called once for all rows at the end, which takes a fifth of the time of each row's own. */
const kept = ["repo", "commit", "tree", "ref", "inspection"];

/** A tree of so many files, all of the same ten bytes. */
function treeOf(files: number): { readonly id: string; readonly paths: readonly string[] } {
  const paths = Array.from({ length: files }, (_, n) => (n === 0 ? "model.safetensors" : `part-${n}`));
  const lines = paths.map((path) => `file ${"a".repeat(64)} 10 lfs ${path}`).join("\n");
  return { id: createHash("sha256").update(lines).digest("hex"), paths };
}

/**
 * SQL that puts a hub of `count` repos into a migrated database: a base in each hundred, a guide in each ten, the rest fine-tunes;
 * each with a commit, an inspection and downloads, every fifth private, and a pair for every third fine-tune. They belong to fifty
 * organisations, org0 … org49; the person “ann” is a member of org0.
 */
export interface ManyRepos {
  /** Of each repo. */
  readonly files?: number;
  /** How many guides are measured on every third fine-tune. */
  readonly guidesEach?: number;
  /** Whether half of all fine-tunes and guides are made for one base, org0/base-0. */
  readonly isSkewed?: boolean;
}

export const manyRepos = (count: number, { files = 1, guidesEach = 1, isSkewed = false }: ManyRepos = {}): string => {
  const tree = treeOf(files);
  return `
  INSERT INTO app_user (id, name, email) VALUES ('ann', 'Ann', 'ann@example.org');
  INSERT INTO namespace (id, kind, name, user_id) VALUES (gen_random_uuid(), 'user', 'ann', 'ann');
  INSERT INTO namespace (id, kind, name) SELECT gen_random_uuid(), 'organisation', 'org' || n FROM generate_series(0, 49) n;
  INSERT INTO member (namespace_id, user_id, role) SELECT id, 'ann', 'writer' FROM namespace WHERE name = 'org0';
  ${kept.map((table) => `ALTER TABLE ${table} DISABLE TRIGGER USER;`).join(" ")}
  CREATE TEMP TABLE plan AS SELECT n, gen_random_uuid() AS id, (n % 50) AS org,
    (CASE WHEN n % 100 = 0 THEN 'base' WHEN n % 10 = 1 THEN 'guide' ELSE 'finetune' END)::repo_kind AS kind, ${isSkewed ? "CASE WHEN n / 10% 2 = 0 THEN 0 ELSE n - n % 100 END" : "n - n % 100"} AS base,
    left(encode(sha256(n::text::bytea), 'hex'), 40) AS commit, encode(sha256(('weights' || n)::bytea), 'hex') AS weights
    FROM generate_series(0, ${count - 1}) n;
  INSERT INTO blob (sha256, size, storage_key, git_sha1, verified_at) VALUES (repeat('a', 64), 10, 'key', repeat('a', 40), now());
  ${["=", "<>"]
    .map(
      (isBase) => `
  INSERT INTO repo (id, namespace_id, name, kind, visibility, base_id, summary, license, tags, downloads, has_commits, created_at, updated_at)
    SELECT p.id, s.id, p.kind || '-' || p.n, p.kind, (CASE WHEN p.n % 5 = 3 THEN 'private' ELSE 'public' END)::visibility, CASE WHEN p.kind <> 'base' THEN b.id END,
      'Draws number ' || p.n || ' in a style of its own, with some more words about it.',
      (ARRAY['apache-2.0', 'mit', 'openrail', NULL])[p.n % 4 + 1], ARRAY['text-to-image', 'style-' || p.n % 40], (p.n * 7919) % 10007, true, now() - p.n * interval '1 hour', now() - (p.n * 7919% ${count}) * interval '1 minute'
    FROM plan p JOIN plan b ON b.n = p.base JOIN namespace s ON s.name = 'org' || p.org WHERE p.kind ${isBase} 'base';`,
    )
    .join("")}
  BEGIN;
  INSERT INTO commit (id, repo_id, sequence, title, file_count, size, tree_id) SELECT commit, id, 1, 'First', ${files}, ${10 * files}, '${tree.id}' FROM plan;
  INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id, head_paths) SELECT id, repeat('a', 64), 10, commit, ${files} FROM plan;
  INSERT INTO tree SELECT id, '${tree.id}', 0, ${files}, ${files}, ${10 * files} FROM plan;
  INSERT INTO tree_entry (repo_id, tree_id, ordinal, key, path, blob_sha256, lfs, file_count, size)
    SELECT id, '${tree.id}', ordinal - 1, path, path, repeat('a', 64), true, 1, 10 FROM plan, unnest(ARRAY['${tree.paths.join("', '")}']) WITH ORDINALITY f(path, ordinal);
  COMMIT;
  INSERT INTO ref (repo_id, name, kind, commit_id) SELECT id, 'main', 'branch', commit FROM plan;
  INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, weights_sha256, own_weights_sha256, finished_at)
    SELECT gen_random_uuid(), commit, '1', 'succeeded', jsonb_build_object('kind', kind, 'parameters', 8800000 + n, 'more', repeat('x', 2000)), 'sd-v1-eps-768', weights, weights, now() FROM plan;
  SELECT refresh_heads(ARRAY(SELECT id FROM plan)), refresh_search(ARRAY(SELECT id FROM plan));
  ${kept.map((table) => `ALTER TABLE ${table} ENABLE TRIGGER USER;`).join(" ")}
  UPDATE quota q SET used_bytes = c.used_bytes, used_files = c.used_files, used_repos = c.used_repos FROM quota_counted c WHERE c.namespace_id = q.namespace_id;
  INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at) SELECT id, weights, weights, now() FROM plan ON CONFLICT DO NOTHING;
  INSERT INTO unit (id, hash) SELECT weights, weights FROM plan WHERE kind = 'finetune';
  INSERT INTO unit_component (unit_id, position, role, commit_id, weights_sha256, strength, text_strength) SELECT weights, 0, 'base', commit, weights, 1, 1 FROM plan WHERE kind = 'finetune';
  INSERT INTO pair (id, unit_hash, guide_weights_sha256, protocol, runtime, unit_id, finetune_commit_id, guide_commit_id)
    SELECT gen_random_uuid(), f.weights, g.weights, '1', 'cpu-f32', f.weights, f.commit, g.commit FROM plan f CROSS JOIN generate_series(0, ${guidesEach - 1}) k JOIN plan g ON g.n = f.base + 1 + 10 * k AND g.base = f.base WHERE f.kind = 'finetune' AND f.n % 3 = 0;
  BEGIN;
  INSERT INTO measurement (id, pair_id, level, attempt, n, raw, machine, milliseconds) SELECT gen_random_uuid(), p.id, level, 1, 16, '{}', 'test', 1 FROM pair p, unnest(ARRAY[0, 1, 2, 4]) level;
  UPDATE pair SET verdict = (ARRAY['verified', 'usable_with_limits', 'incompatible'])[get_byte(decode(unit_hash, 'hex'), 0) % 3 + 1]::verdict, measured_at = now();
  COMMIT;
  INSERT INTO facet_due (at, repo_id) SELECT '-infinity', id FROM plan;
  DROP TABLE plan;
  ANALYZE;
`;
};
