-- What was measured, found from both sides in the order of evidence; and of each repo the best verdict that there is at all.

-- At best: what anybody may know of a repo's newest weights is no better. It finds what to look at, and never says what somebody may
-- know. Kept when a verdict comes; where it goes or gets worse this stays, and is only looked at in vain.
ALTER TABLE "repo" ADD COLUMN "at_best" "verdict";

CREATE FUNCTION best_of(weights text) RETURNS verdict LANGUAGE sql STABLE AS $$
  SELECT least((SELECT min(verdict) FROM pair WHERE unit_hash = weights AND verdict <> 'not_measured'),
    (SELECT min(verdict) FROM pair WHERE guide_weights_sha256 = weights AND verdict <> 'not_measured'))
$$;

CREATE FUNCTION pair_tells_repos() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE repo SET at_best = NEW.verdict
  WHERE weights_sha256 IN (NEW.unit_hash, NEW.guide_weights_sha256) AND deleted_at IS NULL AND (at_best IS NULL OR at_best > NEW.verdict);
  RETURN NULL;
END $$;
CREATE TRIGGER pair_tells_repos AFTER INSERT OR UPDATE OF verdict ON pair FOR EACH ROW WHEN (NEW.verdict <> 'not_measured') EXECUTE FUNCTION pair_tells_repos();

-- Other weights, another best. A row that comes back from being hidden has missed what came meanwhile.
CREATE FUNCTION repo_has_other_weights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.at_best := CASE WHEN NEW.weights_sha256 IS NOT NULL THEN best_of(NEW.weights_sha256) END;
  RETURN NEW;
END $$;
CREATE TRIGGER repo_has_other_weights BEFORE UPDATE OF weights_sha256, deleted_at ON repo FOR EACH ROW
  WHEN ((OLD.weights_sha256, OLD.deleted_at) IS DISTINCT FROM (NEW.weights_sha256, NEW.deleted_at)) EXECUTE FUNCTION repo_has_other_weights();

UPDATE repo SET at_best = best_of(weights_sha256) WHERE weights_sha256 IS NOT NULL;

CREATE INDEX repo_by_verdict ON repo (at_best) WHERE deleted_at IS NULL AND has_commits AND at_best IS NOT NULL;

-- Of a family each kind, the most used first.
DROP INDEX repo_by_family;
CREATE INDEX repo_by_family ON repo (family_id, contract, kind, downloads DESC, id DESC) WHERE deleted_at IS NULL;

CREATE INDEX pair_of_unit_by_evidence ON pair (unit_hash, verdict, ((summary #>> '{measured,fidelity,recovered,value}')::float8) DESC NULLS LAST, id);
CREATE INDEX pair_of_guide_by_evidence ON pair (guide_weights_sha256, verdict, ((summary #>> '{measured,fidelity,recovered,value}')::float8) DESC NULLS LAST, id);
CREATE INDEX pair_by_recovery ON pair (((summary #>> '{measured,fidelity,recovered,value}')::float8) DESC NULLS LAST, id) WHERE state = 'succeeded' AND verdict = 'verified';
CREATE INDEX "pair_created_at_id_idx" ON "pair"("created_at" DESC, "id" DESC);
DROP INDEX pair_guide_weights_sha256_idx;
