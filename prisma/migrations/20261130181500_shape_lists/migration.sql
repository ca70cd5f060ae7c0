-- Lists of what was measured go on from any place, through an index: by evidence on either side, and by age for each side, for both, and
-- for each verdict.

-- Of the component that the unit goes by. Its unit never changes the weights that it stands for.
ALTER TABLE "pair" ADD COLUMN "finetune_weights_sha256" TEXT;

CREATE FUNCTION pair_goes_by_its_last_component() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.finetune_weights_sha256 := (SELECT weights_sha256 FROM unit_component WHERE unit_id = NEW.unit_id ORDER BY position DESC LIMIT 1);
  RETURN NEW;
END $$;
CREATE TRIGGER pair_goes_by_its_last_component BEFORE INSERT OR UPDATE OF unit_id ON pair FOR EACH ROW EXECUTE FUNCTION pair_goes_by_its_last_component();

-- Nothing else of a pair changes, and what its triggers leave for the end would be in the way of the indexes below.
ALTER TABLE pair DISABLE TRIGGER USER;
UPDATE pair SET finetune_weights_sha256 = (SELECT weights_sha256 FROM unit_component k WHERE k.unit_id = pair.unit_id ORDER BY position DESC LIMIT 1);
ALTER TABLE pair ENABLE TRIGGER USER;

CREATE INDEX "pair_finetune_weights_sha256_created_at_id_idx" ON "pair"("finetune_weights_sha256", "created_at" DESC, "id" DESC);
CREATE INDEX "pair_guide_weights_sha256_created_at_id_idx" ON "pair"("guide_weights_sha256", "created_at" DESC, "id" DESC);
CREATE INDEX "pair_of_both_idx" ON "pair"("finetune_weights_sha256", "guide_weights_sha256", "created_at" DESC, "id" DESC);
CREATE INDEX "pair_verdict_created_at_id_idx" ON "pair"("verdict", "created_at" DESC, "id" DESC);

-- Ascending in all columns, so that one comparison of rows says what comes behind a place.
DROP INDEX pair_of_unit_by_evidence;
DROP INDEX pair_of_guide_by_evidence;
CREATE INDEX pair_of_unit_by_evidence ON pair (unit_hash, verdict, coalesce(-((summary #>> '{measured,fidelity,recovered,value}')::float8), '1e308'::float8), id);
CREATE INDEX pair_of_guide_by_evidence ON pair (guide_weights_sha256, verdict, coalesce(-((summary #>> '{measured,fidelity,recovered,value}')::float8), '1e308'::float8), id);

-- Who has what was measured, in the order of repos.
DROP INDEX "repo_weights_measured_as_first_at_idx";
CREATE INDEX "repo_weights_measured_as_repo_id_idx" ON "repo_weights"("measured_as", "repo_id");
