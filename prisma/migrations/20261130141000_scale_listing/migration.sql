-- What lists and searches ask must not cost more on a larger hub: what a repo is today stands in its own row, its words in a table
-- of their own, and each order of a list in an index. docs/decisions/browsing-stays-cheap.md says why so.

CREATE EXTENSION IF NOT EXISTS pg_trgm; -- trusted: the owner of a database may

-- 1. What a repo is today: the commit of its default branch, and what the last good inspection of it found.

ALTER TABLE "repo"
  ADD COLUMN "head_commit_id" TEXT,
  ADD COLUMN "head_size" BIGINT,
  ADD COLUMN "head_inspection_id" UUID,
  ADD COLUMN "contract" TEXT,
  ADD COLUMN "weights_sha256" TEXT,
  ADD COLUMN "family_id" UUID;

-- Who changes what a head is made of holds the repo's row first: so of two at once the second sees what the first did. The row is
-- written even where nothing changed, so that a serializable transaction which read before must begin again.
CREATE FUNCTION refresh_heads(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM repo WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE repo SET head_commit_id = h.commit_id, head_size = h.size, head_inspection_id = h.inspection_id, contract = h.contract,
    weights_sha256 = h.weights_sha256, family_id = h.family_id
  FROM (
    SELECT r.id, f.commit_id, c.size, i.id AS inspection_id, i.contract, i.weights_sha256,
      CASE WHEN i.weights_sha256 IS NULL OR i.contract IS NULL THEN NULL WHEN r.kind = 'base' THEN r.id ELSE coalesce(b.repo_id, r.base_id) END AS family_id
    FROM repo r
    LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
    LEFT JOIN commit c ON c.id = f.commit_id
    LEFT JOIN LATERAL (
      SELECT * FROM inspection WHERE commit_id = f.commit_id AND state = 'succeeded' ORDER BY finished_at DESC LIMIT 1
    ) i ON true
    LEFT JOIN commit b ON b.id = i.base_commit_id
    WHERE r.id = ANY (ids)) h
  WHERE repo.id = h.id;
END $$;

CREATE FUNCTION refs_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_heads(ARRAY(SELECT DISTINCT a.repo_id FROM added a JOIN repo r ON r.id = a.repo_id AND r.default_branch = a.name));
  RETURN NULL;
END $$;
CREATE TRIGGER head_of_repo_added AFTER INSERT ON ref REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refs_added();

CREATE FUNCTION ref_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_heads(ARRAY(SELECT id FROM repo WHERE id = OLD.repo_id AND default_branch = OLD.name));
  RETURN NULL;
END $$;
CREATE TRIGGER head_of_repo_moved AFTER UPDATE OF commit_id ON ref FOR EACH ROW EXECUTE FUNCTION ref_moved();
CREATE TRIGGER head_of_repo_gone AFTER DELETE ON ref FOR EACH ROW EXECUTE FUNCTION ref_moved();

CREATE FUNCTION inspections_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_heads(ARRAY(SELECT DISTINCT c.repo_id FROM added a JOIN commit c ON c.id = a.commit_id WHERE a.state = 'succeeded'));
  RETURN NULL;
END $$;
CREATE TRIGGER head_of_repo_added AFTER INSERT ON inspection REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION inspections_added();

CREATE FUNCTION inspection_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_heads(ARRAY(SELECT repo_id FROM commit WHERE id = OLD.commit_id));
  RETURN NULL;
END $$;
CREATE TRIGGER head_of_repo_moved AFTER UPDATE OF state, finished_at, contract, weights_sha256, base_commit_id ON inspection FOR EACH ROW
  WHEN (OLD.state = 'succeeded' OR NEW.state = 'succeeded') EXECUTE FUNCTION inspection_moved();
CREATE TRIGGER head_of_repo_gone AFTER DELETE ON inspection FOR EACH ROW WHEN (OLD.state = 'succeeded') EXECUTE FUNCTION inspection_moved();

CREATE FUNCTION repo_head_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_heads(ARRAY[NEW.id]);
  RETURN NULL;
END $$;
CREATE TRIGGER head_of_repo_moved AFTER UPDATE OF default_branch, base_id ON repo FOR EACH ROW
  WHEN ((OLD.default_branch, OLD.base_id) IS DISTINCT FROM (NEW.default_branch, NEW.base_id)) EXECUTE FUNCTION repo_head_moved();

SELECT refresh_heads(ARRAY(SELECT id FROM repo));

CREATE OR REPLACE VIEW repo_head AS
SELECT r.id AS repo_id, r.head_commit_id AS commit_id, r.head_inspection_id AS inspection_id, r.contract, r.weights_sha256, i.facts
FROM repo r LEFT JOIN inspection i ON i.id = r.head_inspection_id
WHERE r.deleted_at IS NULL AND r.head_commit_id IS NOT NULL;

-- 2. The orders of lists. Who sees what decides first: a list is that of the public repos beside that of one's own private ones.

DROP INDEX repo_listed_by_update, repo_listed_by_downloads;
CREATE INDEX repo_by_update ON repo (visibility, updated_at DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_creation ON repo (visibility, created_at DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_downloads ON repo (visibility, downloads DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_name ON repo (visibility, name_key, id) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_of_owner_by_update ON repo (namespace_id, visibility, updated_at DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_of_owner_by_creation ON repo (namespace_id, visibility, created_at DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_of_owner_by_downloads ON repo (namespace_id, visibility, downloads DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_of_owner_by_name ON repo (namespace_id, visibility, name_key, id) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_kind ON repo (visibility, kind, downloads DESC, id DESC) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_license ON repo (license) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_size ON repo (head_size) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX repo_by_weights ON repo (weights_sha256) WHERE deleted_at IS NULL;
-- Of a family guides and models, the base before the rest, then the most used.
CREATE INDEX repo_by_family ON repo (family_id, (kind = 'guide'), (kind = 'base') DESC, downloads DESC, id DESC) WHERE deleted_at IS NULL AND family_id IS NOT NULL;

-- 3. Words. Not in the repo's own row, for each download writes that anew, and all its entries in indexes with it.

CREATE TABLE "repo_search" (
    "repo_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "words" tsvector NOT NULL,

    CONSTRAINT "repo_search_pkey" PRIMARY KEY ("repo_id")
);
ALTER TABLE "repo_search" ADD CONSTRAINT "repo_search_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- ASCII punctuation parts words: the parser would take «v1.5» for a host and «a/b» for a path. All else is left to it, in any language.
CREATE FUNCTION words_of(texts text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('simple', regexp_replace(texts, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'))
$$;

CREATE FUNCTION refresh_search(ids uuid[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO repo_search (repo_id, name, words)
    SELECT r.id, n.name_key || '/' || r.name_key, words_of(n.name || ' ' || r.name || ' ' || r.summary || ' ' || array_to_string(r.tags, ' '))
    FROM repo r JOIN namespace n ON n.id = r.namespace_id WHERE r.id = ANY (ids)
  ON CONFLICT (repo_id) DO UPDATE SET name = excluded.name, words = excluded.words
$$;

CREATE FUNCTION repos_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_search(ARRAY(SELECT id FROM added));
  RETURN NULL;
END $$;
CREATE TRIGGER search_of_repo_added AFTER INSERT ON repo REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION repos_added();

CREATE FUNCTION repo_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_search(ARRAY[NEW.id]);
  RETURN NULL;
END $$;
CREATE TRIGGER search_of_repo_changed AFTER UPDATE OF name, namespace_id, summary, tags ON repo FOR EACH ROW
  WHEN ((OLD.name, OLD.namespace_id, OLD.summary, OLD.tags) IS DISTINCT FROM (NEW.name, NEW.namespace_id, NEW.summary, NEW.tags)) EXECUTE FUNCTION repo_reworded();

CREATE FUNCTION namespace_reworded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refresh_search(ARRAY(SELECT id FROM repo WHERE namespace_id = NEW.id));
  RETURN NULL;
END $$;
CREATE TRIGGER search_of_repo_changed AFTER UPDATE OF name ON namespace FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION namespace_reworded();

SELECT refresh_search(ARRAY(SELECT id FROM repo));

CREATE INDEX "repo_search_words_idx" ON "repo_search" USING GIN ("words") WITH (fastupdate = off);
CREATE INDEX "repo_search_name_idx" ON "repo_search" USING GIN ("name" gin_trgm_ops) WITH (fastupdate = off);

-- PostgreSQL cannot know how many repos two words have in common, and would read all of them where it takes both for common; so
-- it has no choice here. Nulls find nothing.
CREATE FUNCTION repos_with_words(words_query text, name_pattern text, most int) RETURNS SETOF uuid LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  (SELECT repo_id FROM repo_search WHERE words @@ to_tsquery('simple', words_query) LIMIT most)
  UNION (SELECT repo_id FROM repo_search WHERE name LIKE name_pattern LIMIT most)
  LIMIT most
$$;
