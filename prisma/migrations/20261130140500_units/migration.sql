-- 1. A unit: what draws, as an ordered list of components with strengths. Its hash is over the weights and strengths, so equal bytes
-- have one; its id is over the commits too, for two people may have the same bytes. docs/decisions/units.md says why.

CREATE TABLE "unit" (
    "id" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "unit_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "unit_hash_idx" ON "unit"("hash");

CREATE TABLE "unit_component" (
    "unit_id" TEXT NOT NULL,
    "position" SMALLINT NOT NULL,
    "role" TEXT NOT NULL,
    "commit_id" TEXT,
    "weights_sha256" TEXT NOT NULL,
    "strength" DOUBLE PRECISION NOT NULL,
    "text_strength" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "unit_component_pkey" PRIMARY KEY ("unit_id","position")
);
CREATE INDEX "unit_component_commit_id_idx" ON "unit_component"("commit_id");
CREATE INDEX "unit_component_weights_sha256_idx" ON "unit_component"("weights_sha256");
ALTER TABLE "unit_component" ADD CONSTRAINT "unit_component_unit_id_fkey" FOREIGN KEY ("unit_id") REFERENCES "unit"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "unit_component" ADD CONSTRAINT "unit_component_commit_id_fkey" FOREIGN KEY ("commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE unit
  ADD CONSTRAINT unit_is_hashed CHECK (id ~ '^[0-9a-f]{64}$' AND hash ~ '^[0-9a-f]{64}$');
ALTER TABLE unit_component
  ADD CONSTRAINT unit_component_weights_are_hex CHECK (weights_sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT unit_component_begins_with_a_base CHECK (position >= 0 AND (position = 0) = (role = 'base'));

-- Which weights a repo has or ever had, and under which key what was measured of them is found: one row, however many commits have
-- them. Two that hold the same bytes are told apart by who was first.
CREATE TABLE "repo_weights" (
    "repo_id" UUID NOT NULL,
    "weights_sha256" TEXT NOT NULL,
    "measured_as" TEXT NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "repo_weights_pkey" PRIMARY KEY ("repo_id","weights_sha256","measured_as")
);
CREATE INDEX "repo_weights_weights_sha256_first_at_idx" ON "repo_weights"("weights_sha256", "first_at");
CREATE INDEX "repo_weights_measured_as_first_at_idx" ON "repo_weights"("measured_as", "first_at");
ALTER TABLE "repo_weights" ADD CONSTRAINT "repo_weights_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE repo_weights
  ADD CONSTRAINT repo_weights_are_hex CHECK (weights_sha256 ~ '^[0-9a-f]{64}$' AND measured_as ~ '^[0-9a-f]{64}$');

-- Of an inspection `weights_sha256` is what a measurement depends on: of a model the hash of its unit, of a guide its file. What
-- the commit's own files are stands beside it.
ALTER TABLE "inspection" ADD COLUMN "own_weights_sha256" TEXT;
ALTER TABLE inspection
  ADD CONSTRAINT inspection_own_weights_are_hex CHECK (own_weights_sha256 ~ '^[0-9a-f]{64}$');

ALTER TABLE "pair" RENAME COLUMN "finetune_weights_sha256" TO "unit_hash";
ALTER TABLE "pair" ADD COLUMN "unit_id" TEXT, ADD COLUMN "judge_commit_id" TEXT;
ALTER TABLE "preview" ADD COLUMN "unit_id" TEXT;

-- 2. What is there already, as units

CREATE FUNCTION pg_temp.digest(lines text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(array_to_string(lines, E'\n'), 'UTF8')), 'hex')
$$;
CREATE FUNCTION pg_temp.line(role text, weights text, strength float8, text_strength float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT role || ' ' || weights || ' ' || strength || ' ' || text_strength
$$;
-- Over the commit's own files, as it was always counted; a guide's is its file.
CREATE FUNCTION pg_temp.own_weights(facts jsonb, weights text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN facts->>'kind' = 'guide' OR jsonb_typeof(facts->'files') IS DISTINCT FROM 'array' OR facts->'files' = '[]' THEN weights
    ELSE pg_temp.digest(ARRAY(SELECT line FROM (SELECT (f->>'role') || ' ' || (f->>'sha256') AS line FROM jsonb_array_elements(facts->'files') f) l ORDER BY line COLLATE "C")) END
$$;

UPDATE inspection SET own_weights_sha256 = pg_temp.own_weights(coalesce(facts, '{}'), weights_sha256) WHERE weights_sha256 IS NOT NULL OR facts IS NOT NULL;

-- What each model that was read is made of; of a low-rank fine-tune whose base is gone the base cannot be told any more.
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT i.id, i.commit_id, i.weights_sha256 AS old, i.own_weights_sha256 AS own, i.facts->>'kind' = 'low-rank fine-tune' AS is_low_rank,
  i.base_commit_id, b.own AS base_own
FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id
LEFT JOIN LATERAL (
  SELECT own_weights_sha256 AS own FROM inspection WHERE commit_id = i.base_commit_id AND own_weights_sha256 IS NOT NULL ORDER BY created_at DESC LIMIT 1
) b ON i.facts->>'kind' = 'low-rank fine-tune'
WHERE i.weights_sha256 IS NOT NULL AND r.kind <> 'guide';
ALTER TABLE made ADD COLUMN hash text;
UPDATE made SET hash = CASE
  WHEN NOT coalesce(is_low_rank, false) THEN pg_temp.digest(ARRAY[pg_temp.line('base', own, 1, 1)])
  WHEN base_own IS NOT NULL THEN pg_temp.digest(ARRAY[pg_temp.line('base', base_own, 1, 1), pg_temp.line('lora', own, 1, 1)])
  ELSE pg_temp.digest(ARRAY[pg_temp.line('base', old, 1, 1)]) END;

UPDATE inspection SET weights_sha256 = made.hash FROM made WHERE made.id = inspection.id;

INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at)
SELECT c.repo_id, i.own_weights_sha256, i.weights_sha256, min(c.created_at) FROM inspection i JOIN commit c ON c.id = i.commit_id
WHERE i.weights_sha256 IS NOT NULL GROUP BY 1, 2, 3;

CREATE TEMP TABLE component (unit text, hash text, position int, role text, commit_id text, weights text, strength float8, text_strength float8, subject uuid) ON COMMIT DROP;

-- Of pairs: as measured where that is still there, else as any commit with the same weights has it, else by the weights alone.
INSERT INTO component (position, role, commit_id, weights, strength, text_strength, subject)
SELECT part.position, part.role, part.commit_id, part.weights, 1, 1, p.id
FROM pair p
LEFT JOIN LATERAL (SELECT * FROM made m WHERE m.old = p.unit_hash ORDER BY m.commit_id IS NOT DISTINCT FROM p.finetune_commit_id DESC, m.commit_id LIMIT 1) m ON true
CROSS JOIN LATERAL (
  SELECT 0 AS position, 'base' AS role, CASE WHEN m.base_own IS NULL THEN m.commit_id ELSE m.base_commit_id END AS commit_id,
    CASE WHEN m.base_own IS NOT NULL THEN m.base_own WHEN coalesce(m.is_low_rank, false) THEN p.unit_hash ELSE coalesce(m.own, p.unit_hash) END AS weights
  UNION ALL SELECT 1, 'lora', m.commit_id, m.own WHERE m.base_own IS NOT NULL) part;

-- Of previews: the commits that their recipes name, with the strengths that they were drawn with.
INSERT INTO component (position, role, commit_id, weights, strength, text_strength, subject)
SELECT part.position, part.role, c.id,
  coalesce((SELECT own_weights_sha256 FROM inspection i WHERE i.commit_id = part.commit_id AND own_weights_sha256 IS NOT NULL ORDER BY created_at DESC LIMIT 1),
    pg_temp.digest(ARRAY['commit ' || part.commit_id])),
  part.strength, part.text_strength, v.id
FROM preview v
CROSS JOIN LATERAL (
  SELECT 0 AS position, 'base' AS role, coalesce(v.recipe #>> '{base,commitId}', v.finetune_commit_id) AS commit_id, 1::float8 AS strength, 1::float8 AS text_strength
  UNION ALL
  SELECT l.place::int, 'lora', l.file->>'commitId', coalesce((l.file->>'strength')::float8, 1), coalesce((l.file->>'textStrength')::float8, (l.file->>'strength')::float8, 1)
  FROM jsonb_array_elements(CASE WHEN jsonb_typeof(v.recipe->'lowRank') = 'array' THEN v.recipe->'lowRank' ELSE '[]' END) WITH ORDINALITY l(file, place)) part
LEFT JOIN commit c ON c.id = part.commit_id;

UPDATE component SET unit = u.id, hash = u.hash FROM (
  SELECT subject, pg_temp.digest(array_agg(coalesce(commit_id, '') || ' ' || pg_temp.line(role, weights, strength, text_strength) ORDER BY position)) AS id,
    pg_temp.digest(array_agg(pg_temp.line(role, weights, strength, text_strength) ORDER BY position)) AS hash
  FROM component GROUP BY subject) u WHERE u.subject = component.subject;
INSERT INTO unit (id, hash) SELECT DISTINCT unit, hash FROM component;
INSERT INTO unit_component (unit_id, position, role, commit_id, weights_sha256, strength, text_strength)
SELECT DISTINCT ON (unit, position) unit, position, role, commit_id, weights, strength, text_strength FROM component ORDER BY unit, position;
UPDATE pair SET unit_id = c.unit, unit_hash = c.hash,
  judge_commit_id = pair.summary #>> '{request,baseCommitId}' FROM component c WHERE c.subject = pair.id AND c.position = 0;
UPDATE preview SET unit_id = c.unit FROM component c WHERE c.subject = preview.id AND c.position = 0;

-- 3. As it is from now on

ALTER TABLE "pair" ALTER COLUMN "unit_id" SET NOT NULL;
ALTER TABLE "preview" ALTER COLUMN "unit_id" SET NOT NULL;
ALTER TABLE "pair" ADD CONSTRAINT "pair_unit_id_fkey" FOREIGN KEY ("unit_id") REFERENCES "unit"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "preview" ADD CONSTRAINT "preview_unit_id_fkey" FOREIGN KEY ("unit_id") REFERENCES "unit"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER INDEX "pair_finetune_weights_sha256_guide_weights_sha256_protocol__key" RENAME TO "pair_unit_hash_guide_weights_sha256_protocol_runtime_key";
CREATE INDEX "pair_unit_id_idx" ON "pair"("unit_id");
CREATE INDEX "pair_judge_commit_id_idx" ON "pair"("judge_commit_id");
CREATE INDEX "preview_unit_id_idx" ON "preview"("unit_id");

CREATE FUNCTION unit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.unit_id, NEW.position, NEW.role, NEW.weights_sha256, NEW.strength, NEW.text_strength) IS DISTINCT FROM
     (OLD.unit_id, OLD.position, OLD.role, OLD.weights_sha256, OLD.strength, OLD.text_strength) OR NEW.commit_id IS NOT NULL THEN
    PERFORM refuse('unit_stays', 'a unit does not change; only the commit of a component may go');
  END IF;
  -- Of a picture whose model is gone nobody could say who may see it.
  DELETE FROM preview WHERE unit_id = NEW.unit_id;
  RETURN NEW;
END $$;
CREATE TRIGGER unit_stays BEFORE UPDATE ON unit_component FOR EACH ROW WHEN (NEW.commit_id IS NULL OR OLD IS DISTINCT FROM NEW) EXECUTE FUNCTION unit_stays();

CREATE FUNCTION weights_were_read() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at)
    SELECT c.repo_id, coalesce(NEW.own_weights_sha256, NEW.weights_sha256), NEW.weights_sha256, c.created_at FROM commit c WHERE c.id = NEW.commit_id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER weights_were_read AFTER INSERT OR UPDATE OF weights_sha256, own_weights_sha256 ON inspection FOR EACH ROW
  WHEN (NEW.weights_sha256 IS NOT NULL) EXECUTE FUNCTION weights_were_read();

-- What a base judged tells of its evaluator and its prompts. Of one that was private, that goes with it.
CREATE FUNCTION private_judge_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM pair WHERE judge_commit_id IN (SELECT id FROM commit WHERE repo_id = OLD.id);
  RETURN OLD;
END $$;
CREATE TRIGGER private_judge_goes BEFORE DELETE ON repo FOR EACH ROW WHEN (OLD.visibility = 'private') EXECUTE FUNCTION private_judge_goes();

-- 4. What a kind of repo can do. lib/catalog/kinds.ts says the same, and a test compares them.

CREATE TABLE "repo_kind_can" (
    "kind" "repo_kind" NOT NULL,
    "draws" BOOLEAN NOT NULL,
    "guides" BOOLEAN NOT NULL,
    "is_base" BOOLEAN NOT NULL,
    "has_base" BOOLEAN NOT NULL,
    "evaluates" BOOLEAN NOT NULL,

    CONSTRAINT "repo_kind_can_pkey" PRIMARY KEY ("kind")
);
INSERT INTO repo_kind_can (kind, draws, guides, is_base, has_base, evaluates) VALUES
  ('base', true, false, true, false, false),
  ('finetune', true, false, false, true, false),
  ('guide', false, true, false, true, false);

ALTER TABLE repo DROP CONSTRAINT repo_of_a_base_has_no_base;
CREATE OR REPLACE FUNCTION repo_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.deleted_at IS NULL THEN PERFORM refuse('repo_hidden_before_purge', 'a repo is hidden first and removed after the grace'); END IF;
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.kind <> OLD.kind THEN PERFORM refuse('repo_keeps_kind', 'a repo does not change its kind'); END IF;
  IF NEW.base_id IS NOT NULL THEN
    IF NOT (SELECT has_base FROM repo_kind_can WHERE kind = NEW.kind) THEN
      PERFORM refuse('repo_of_a_base_has_no_base', format('a %s is made for no base', NEW.kind));
    END IF;
    IF NOT (SELECT k.is_base FROM repo r JOIN repo_kind_can k ON k.kind = r.kind WHERE r.id = NEW.base_id) THEN
      PERFORM refuse('repo_base_is_a_base', 'what a repo is made for must be a base');
    END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION pair_is_of_kinds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  draws boolean := (SELECT k.draws FROM commit c JOIN repo r ON r.id = c.repo_id JOIN repo_kind_can k ON k.kind = r.kind WHERE c.id = NEW.finetune_commit_id);
  guides boolean := (SELECT k.guides FROM commit c JOIN repo r ON r.id = c.repo_id JOIN repo_kind_can k ON k.kind = r.kind WHERE c.id = NEW.guide_commit_id);
BEGIN
  IF NOT draws OR NOT guides THEN PERFORM refuse('pair_is_of_kinds', 'a pair is of what draws and what guides'); END IF;
  RETURN NEW;
END $$;
