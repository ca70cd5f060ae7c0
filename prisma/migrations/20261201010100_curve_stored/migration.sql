-- One for each pair, measured after its plan has ended.
CREATE TABLE "curve" (
    "id" UUID NOT NULL,
    "pair_id" UUID NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "problem" TEXT,
    "result" JSONB,
    "raw" JSONB,
    "machine" TEXT,
    "milliseconds" INTEGER,
    "measured_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "curve_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "curve_pair_id_key" ON "curve"("pair_id");
ALTER TABLE "curve" ADD CONSTRAINT "curve_pair_id_fkey" FOREIGN KEY ("pair_id") REFERENCES "pair"("id") ON DELETE CASCADE ON UPDATE CASCADE;

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
    WHEN 'curve' THEN
      UPDATE curve SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem, updated_at = now() WHERE id = NEW.subject_id;
  END CASE;
  RETURN NULL;
END $$;
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON curve FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('curve');

-- It was said of every pair, and measured of none.
UPDATE pair SET reasons = (
    SELECT array_agg(replace(reason, '; letting CFG do the first steps buys some of it back.', '.') ORDER BY place)
    FROM unnest(reasons) WITH ORDINALITY said(reason, place))
  WHERE array_to_string(reasons, ' ') LIKE '%; letting CFG do the first steps buys some of it back.%';
