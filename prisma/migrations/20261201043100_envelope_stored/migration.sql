-- What is measured of a pair beside its verdict: a curve, as before, and an envelope.
ALTER TABLE "curve" RENAME TO "study";
ALTER TABLE "study" RENAME CONSTRAINT "curve_pkey" TO "study_pkey";
ALTER TABLE "study" RENAME CONSTRAINT "curve_pair_id_fkey" TO "study_pair_id_fkey";
ALTER TABLE "study" ADD COLUMN "kind" "job_kind" NOT NULL DEFAULT 'curve';
ALTER TABLE "study" ALTER COLUMN "kind" DROP DEFAULT;
ALTER TABLE "study" ADD CONSTRAINT "study_kind" CHECK ("kind" IN ('curve', 'envelope'));
DROP INDEX "curve_pair_id_key";
CREATE UNIQUE INDEX "study_pair_id_kind_key" ON "study"("pair_id", "kind");

CREATE OR REPLACE FUNCTION job_moves_its_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CASE NEW.kind
    WHEN 'hash' THEN
      UPDATE upload SET attempt = NEW.attempt, updated_at = now(), state = CASE NEW.state WHEN 'failed' THEN 'failed' ELSE state END,
        problem = CASE NEW.state WHEN 'failed' THEN NEW.problem ELSE problem END
      WHERE id = NEW.subject_id AND state = 'hashing';
    WHEN 'inspect' THEN
      UPDATE inspection SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem, finished_at = CASE NEW.state WHEN 'failed' THEN now() ELSE finished_at END
      WHERE id = NEW.subject_id;
    WHEN 'check' THEN
      UPDATE pair SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem, updated_at = now() WHERE id = NEW.subject_id;
    WHEN 'preview' THEN
      UPDATE preview SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem,
        finished_at = CASE WHEN NEW.state IN ('succeeded', 'failed', 'cancelled') THEN now() ELSE finished_at END
      WHERE id = NEW.subject_id;
    WHEN 'curve', 'envelope' THEN
      UPDATE study SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem, updated_at = now() WHERE id = NEW.subject_id;
  END CASE;
  RETURN NULL;
END $$;

CREATE FUNCTION job_goes_with_its_study() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job WHERE subject_id = OLD.id AND kind = OLD.kind;
  RETURN NULL;
END $$;
DROP TRIGGER job_goes_with_its_subject ON study;
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON study FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_study();

-- What a model does by itself in a measurement, in pieces that are shared by all its guides.
CREATE TABLE "kept_piece" (
    "unit_hash" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "storage_key" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "kept_piece_pkey" PRIMARY KEY ("unit_hash", "name")
);
CREATE UNIQUE INDEX "kept_piece_storage_key_key" ON "kept_piece"("storage_key");
CREATE INDEX "kept_piece_used_at_idx" ON "kept_piece"("used_at");
