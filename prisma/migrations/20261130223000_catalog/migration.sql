-- How many public repos there are of each value of each facet, beside every choice from the other facets: so that what is counted costs
-- the same however many there are. A worker keeps it; what it has not got to yet is in facet_due, and readers see by its age whether
-- the counts are of the last minute. docs/decisions/browsing-stays-cheap.md

CREATE TABLE "facet_due" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "repo_id" UUID,
    "weights_sha256" TEXT,
    "reaches" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "facet_due_pkey" PRIMARY KEY ("id"),
    CONSTRAINT facet_due_is_of_one CHECK ((repo_id IS NULL) <> (weights_sha256 IS NULL))
);
CREATE INDEX "facet_due_at_idx" ON "facet_due"("at");
CREATE INDEX facet_due_reaching ON facet_due (id) WHERE reaches;
CREATE INDEX facet_due_of_weights ON facet_due (id) WHERE repo_id IS NULL AND NOT reaches;

-- As what a repo is counted: a text for each facet, in their order, null where it has none. Without a reference to the repo: what is
-- gone is still to be taken off the counts.
CREATE TABLE "counted_repo" (
    "repo_id" UUID NOT NULL,
    "values" TEXT[],

    CONSTRAINT "counted_repo_pkey" PRIMARY KEY ("repo_id")
);

CREATE INDEX "counted_repo_values_idx" ON "counted_repo" USING GIN ("values") WITH (fastupdate = off);

CREATE TABLE "facet_count" (
    "facet" SMALLINT NOT NULL,
    "chosen" UUID NOT NULL,
    "value" TEXT NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "facet_count_pkey" PRIMARY KEY ("facet", "chosen", "value")
);
CREATE INDEX "facet_count_facet_chosen_count_value_idx" ON "facet_count"("facet", "chosen", "count" DESC, "value");
CREATE INDEX facet_count_empty ON facet_count (facet) WHERE count = 0;

-- By which a choice of values is found, null where nothing is chosen. A text of any length has one of sixteen bytes, that nobody can make two of.
CREATE FUNCTION facet_choice("values" text[]) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substr(sha256(convert_to(to_jsonb("values")::text, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- Whatever a count depends on says so in the transaction that changes it. `reaches`: also what was measured together with it, since who
-- may read a repo decides on who may know of that.

CREATE FUNCTION repo_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO facet_due (repo_id, reaches) VALUES (NEW.id, (OLD.visibility, OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.visibility, NEW.deleted_at IS NULL));
  IF OLD.weights_sha256 IS DISTINCT FROM NEW.weights_sha256 THEN
    INSERT INTO facet_due (weights_sha256, reaches) SELECT w, true FROM unnest(ARRAY[OLD.weights_sha256, NEW.weights_sha256]) w WHERE w IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER repo_is_due AFTER UPDATE OF visibility, deleted_at, has_commits, base_id, license, head_size, at_best, weights_sha256 ON repo FOR EACH ROW
  WHEN ((OLD.visibility, OLD.deleted_at, OLD.has_commits, OLD.base_id, OLD.license, OLD.head_size, OLD.at_best, OLD.weights_sha256)
    IS DISTINCT FROM (NEW.visibility, NEW.deleted_at, NEW.has_commits, NEW.base_id, NEW.license, NEW.head_size, NEW.at_best, NEW.weights_sha256))
  EXECUTE FUNCTION repo_is_due();

CREATE FUNCTION gone_repo_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO facet_due (repo_id) VALUES (OLD.id);
  INSERT INTO facet_due (weights_sha256, reaches) SELECT OLD.weights_sha256, true WHERE OLD.weights_sha256 IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER gone_repo_is_due AFTER DELETE ON repo FOR EACH ROW EXECUTE FUNCTION gone_repo_is_due();

CREATE FUNCTION weights_are_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO facet_due (weights_sha256, reaches) VALUES (coalesce(NEW.weights_sha256, OLD.weights_sha256), true);
  RETURN NULL;
END $$;
CREATE TRIGGER weights_are_due AFTER INSERT OR DELETE ON repo_weights FOR EACH ROW EXECUTE FUNCTION weights_are_due();

CREATE FUNCTION pair_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO facet_due (weights_sha256) SELECT DISTINCT w FROM unnest(ARRAY[OLD.unit_hash, OLD.guide_weights_sha256, NEW.unit_hash, NEW.guide_weights_sha256]) w WHERE w IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER new_pair_is_due AFTER INSERT ON pair FOR EACH ROW WHEN (NEW.verdict <> 'not_measured') EXECUTE FUNCTION pair_is_due();
CREATE TRIGGER pair_is_due AFTER UPDATE OF verdict, unit_id, unit_hash, guide_weights_sha256, judge_commit_id ON pair FOR EACH ROW
  WHEN ((OLD.verdict, OLD.unit_id, OLD.unit_hash, OLD.guide_weights_sha256, OLD.judge_commit_id) IS DISTINCT FROM (NEW.verdict, NEW.unit_id, NEW.unit_hash, NEW.guide_weights_sha256, NEW.judge_commit_id))
  EXECUTE FUNCTION pair_is_due();
CREATE TRIGGER gone_pair_is_due AFTER DELETE ON pair FOR EACH ROW WHEN (OLD.verdict <> 'not_measured') EXECUTE FUNCTION pair_is_due();

-- Overdue from the start: until a worker has counted a hub that was there before, nothing here is believed.
INSERT INTO facet_due (at, repo_id) SELECT '-infinity', id FROM repo WHERE deleted_at IS NULL AND has_commits;

-- Of a family what may be seen: everything that is public, and of each namespace what is private, the most used first.
DROP INDEX repo_by_family;
CREATE INDEX repo_by_family ON repo (family_id, contract, kind, visibility, downloads DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX repo_of_owner_by_family ON repo (namespace_id, family_id, contract, kind, downloads DESC, id DESC) WHERE deleted_at IS NULL AND visibility = 'private';
