import { PROTOCOL_VERSION } from "#lib/pairing/protocol.ts";
import { type JobKind, priorities, type Priority, resourceOf, subjectOf, usualLane } from "#lib/queue/jobs.ts";
import { manyRepos } from "./many-repos.ts";

const recipe = JSON.stringify({
  asked: { finetune: "org0/base-0", prompt: "a hill", seed: 1 },
  base: { commitId: "0".repeat(40), name: "base-0" },
  lowRank: [],
  guide: { commitId: "0".repeat(40), name: "guide-1", path: "model.safetensors" },
});

/**
 * SQL that puts a full hub of `count` repos into a migrated database, a statement each: besides what `manyRepos` makes, ten files for
 * each repo, four guides measured on every third fine-tune, of which the first are drawn, a job for each pair and each commit, and
 * twenty persons for each hundred repos. Half of all fine-tunes and guides are made for one base, as they are on hubs that people use.
 */
export const fullCatalog = (count: number): readonly string[] => [
  manyRepos(count, { files: 10, guidesEach: 5, isSkewed: true }),
  `INSERT INTO app_user (id, name, email) SELECT 'u' || n, 'Person', 'u' || n || '@example.org' FROM generate_series(1, ${count / 5}) n`,
  `INSERT INTO namespace (id, kind, name, user_id) SELECT gen_random_uuid(), 'user', 'u' || n, 'u' || n FROM generate_series(1, ${count / 5}) n`,
  `INSERT INTO member (namespace_id, user_id, role) SELECT s.id, 'u' || n, 'reader' FROM generate_series(1, ${count / 5}) n JOIN namespace s ON s.name = 'org' || n % 50`,
  // Nothing is private in org0; of org3 everything is.
  `INSERT INTO member (namespace_id, user_id, role) SELECT id, 'ann', 'writer' FROM namespace WHERE name IN ('org3', 'org8')`,
  // A third of the pairs wait; the others are measured and, where they are good, drawn.
  `UPDATE pair SET state = 'running', attempt = 1 WHERE verdict <> 'incompatible'`,
  `UPDATE pair SET state = 'succeeded', protocol = 'v${PROTOCOL_VERSION}-e0', summary = '{"request": {"pictures": 48}}' WHERE state = 'running'`,
  `INSERT INTO preview (id, unit_id, finetune_commit_id, guide_commit_id, recipe, pair_id, sheet_index, state, attempt, finished_at)
     SELECT gen_random_uuid(), unit_id, finetune_commit_id, guide_commit_id, '${recipe}', id, 0, 'succeeded', 1, now() FROM pair WHERE verdict = 'verified'`,
  // Persons draw as well, and show every fourth.
  `INSERT INTO preview (id, user_id, unit_id, finetune_commit_id, guide_commit_id, recipe, is_attached, state, attempt, created_at, finished_at)
     SELECT gen_random_uuid(), CASE n % ${Math.min(50, count / 5)} WHEN 0 THEN 'ann' ELSE 'u' || n % ${Math.min(50, count / 5)} END, unit_id, finetune_commit_id, guide_commit_id, '${recipe}', n % 4 = 0, 'succeeded', 1, now() - n * interval '1 second', now()
     FROM (SELECT *, row_number() OVER () AS n FROM pair) p WHERE n % 3 = 0`,
  `INSERT INTO preview_image (preview_id, mode, seed, attempt, blob_sha256, width, height, passes, milliseconds)
     SELECT v.id, mode, 1, 1, repeat('a', 64), 64, 64, 20, 400 FROM preview v, unnest(ARRAY['conditional', 'guide', 'cfg']::preview_mode[]) mode`,
  // The subjects are in the states of their jobs already.
  "ALTER TABLE job DISABLE TRIGGER job_moves_its_subject",
  jobsOf("inspect", "upload", Math.min(50, count / 5)),
  jobsOf("check", "batch", Math.min(50, count / 5)),
  jobsOf("preview", "sheet", Math.min(50, count / 5)),
  "ALTER TABLE job ENABLE TRIGGER job_moves_its_subject",
];

/** The job of each row, at its state. They follow from commits of so many persons, of which “ann” is one. */
function jobsOf(kind: JobKind, priority: Priority, persons: number): string {
  return `INSERT INTO job (id, kind, subject_id, state, attempt, resource, lane, priority, user_id, created_at, queued_at, started_at, finished_at, rate, rated_at)
    SELECT gen_random_uuid(), '${kind}', id, state, attempt, '${resourceOf[kind]}', '${usualLane[kind]}', ${priorities[priority]}, CASE n % ${persons} WHEN 0 THEN 'ann' ELSE 'u' || n % ${persons} END, at, at,
      CASE WHEN state <> 'queued' THEN at END, CASE WHEN state = 'succeeded' THEN at + interval '1 second' END,
      CASE WHEN state = 'succeeded' THEN 1 END, CASE WHEN state = 'succeeded' THEN at END
    FROM (SELECT *, now() - n * interval '1 second' AS at FROM (SELECT id, state, attempt, row_number() OVER () AS n FROM ${subjectOf[kind]}) numbered) timed`;
}
