-- A guide that is made of a base: what was asked for, how far it is, and what came of it. Nobody could ask for one before.
DELETE FROM distillation;
ALTER TABLE distillation RENAME COLUMN recipe TO asked;
ALTER TABLE distillation
  ADD COLUMN state "job_state" NOT NULL DEFAULT 'queued',
  ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN problem TEXT,
  ADD COLUMN paused_at TIMESTAMPTZ(3),
  ADD COLUMN work DOUBLE PRECISION NOT NULL DEFAULT 1,
  ADD COLUMN plan JSONB,
  ADD COLUMN kept_steps INTEGER,
  ADD COLUMN record JSONB,
  ADD COLUMN seconds DOUBLE PRECISION,
  ADD COLUMN finished_at TIMESTAMPTZ(3);
CREATE INDEX distillation_created_at_id_idx ON distillation (created_at DESC, id DESC);
CREATE INDEX distillation_finished_at_idx ON distillation (finished_at DESC) WHERE seconds IS NOT NULL;

CREATE TABLE distillation_look (
  distillation_id UUID NOT NULL REFERENCES distillation (id) ON DELETE CASCADE ON UPDATE CASCADE,
  step INTEGER NOT NULL,
  found JSONB NOT NULL,
  CONSTRAINT distillation_look_pkey PRIMARY KEY (distillation_id, step)
);

ALTER TABLE distillation
  ADD CONSTRAINT distillation_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT distillation_work_positive CHECK (work > 0),
  ADD CONSTRAINT distillation_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL),
  ADD CONSTRAINT distillation_paused_does_nothing CHECK (paused_at IS NULL OR state = 'cancelled'),
  ADD CONSTRAINT distillation_kept_steps_not_negative CHECK (kept_steps >= 0);
ALTER TABLE distillation_look ADD CONSTRAINT distillation_look_step_not_negative CHECK (step >= 0);

CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE ON distillation FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON distillation FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('distill');

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
    WHEN 'distill' THEN
      UPDATE distillation SET state = NEW.state, attempt = NEW.attempt, problem = NEW.problem,
        paused_at = CASE NEW.state WHEN 'cancelled' THEN paused_at END,
        finished_at = CASE WHEN NEW.state IN ('succeeded', 'failed', 'cancelled') THEN now() END
      WHERE id = NEW.subject_id;
  END CASE;
  RETURN NULL;
END $$;
