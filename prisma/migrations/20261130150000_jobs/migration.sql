-- One table for all work: who waits for it, whose turn it takes, how far it is and why it failed. What was kept four times, beside
-- uploads, inspections, pairs and previews, moves here. pg-boss goes on to know who holds a job and whether they live.

CREATE TYPE "job_kind" AS ENUM ('hash', 'inspect', 'check', 'preview');
CREATE TYPE "job_lane" AS ENUM ('seconds', 'minutes', 'hours');
CREATE TYPE "job_resource" AS ENUM ('files', 'compute');

-- pg-boss's priority is a whole number of 32 bits. Two that are waited for at the same time never have the same.
CREATE SEQUENCE job_ticket AS integer MINVALUE 1 MAXVALUE 2147483647 CYCLE;

CREATE TABLE "job" (
    "id" UUID NOT NULL,
    "kind" "job_kind" NOT NULL,
    "subject_id" UUID NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "resource" "job_resource" NOT NULL,
    "lane" "job_lane" NOT NULL,
    "priority" SMALLINT NOT NULL,
    "user_id" TEXT,
    "group_id" TEXT NOT NULL GENERATED ALWAYS AS (coalesce("user_id", 'hub')) STORED,
    "model_key" TEXT,
    "work" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "needs_bytes" BIGINT,
    "queue_id" UUID,
    "ticket" INTEGER NOT NULL DEFAULT nextval('job_ticket'::regclass),
    "worker_id" UUID,
    "returns" INTEGER NOT NULL DEFAULT 0,
    "ran" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "checkpoint_key" TEXT,
    "problem" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "available_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "job_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "job_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT job_numbers_not_negative CHECK (attempt >= 0 AND returns >= 0 AND ran >= 0 AND work > 0 AND needs_bytes >= 0),
    CONSTRAINT job_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL)
);
CREATE UNIQUE INDEX "job_subject_id_kind_key" ON "job"("subject_id", "kind");
CREATE INDEX "job_created_at_id_idx" ON "job"("created_at" DESC, "id" DESC);
CREATE INDEX "job_group_id_created_at_id_idx" ON "job"("group_id", "created_at" DESC, "id" DESC);
CREATE INDEX "job_state_created_at_id_idx" ON "job"("state", "created_at" DESC, "id" DESC);
CREATE INDEX "job_kind_created_at_id_idx" ON "job"("kind", "created_at" DESC, "id" DESC);
CREATE INDEX "job_user_id_idx" ON "job"("user_id");
CREATE INDEX job_waiting ON job (resource, group_id, priority DESC, queued_at, id) WHERE state = 'queued';
CREATE INDEX job_running ON job (resource) WHERE state = 'running';
CREATE INDEX job_lately ON job (kind, finished_at DESC) WHERE state = 'succeeded';
CREATE INDEX job_lately_of_model ON job (model_key, finished_at DESC) WHERE state = 'succeeded' AND model_key IS NOT NULL;
CREATE INDEX job_in_background ON job (resource) WHERE state = 'queued' AND priority < 50;
CREATE INDEX job_checkpoint ON job (checkpoint_key) WHERE checkpoint_key IS NOT NULL;

CREATE UNLOGGED TABLE "job_progress" (
    "job_id" UUID NOT NULL,
    "subject_id" UUID NOT NULL,
    "value" JSONB NOT NULL,

    CONSTRAINT "job_progress_pkey" PRIMARY KEY ("job_id")
);
CREATE INDEX "job_progress_subject_id_idx" ON "job_progress"("subject_id");

CREATE TABLE "job_turn" (
    "resource" "job_resource" NOT NULL,
    "group_id" TEXT NOT NULL,
    "used" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "job_turn_pkey" PRIMARY KEY ("resource", "group_id")
);
CREATE TABLE "job_clock" (
    "resource" "job_resource" NOT NULL,
    "turn" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "passed_over_at" TIMESTAMPTZ(3),

    CONSTRAINT "job_clock_pkey" PRIMARY KEY ("resource")
);
INSERT INTO job_clock (resource) VALUES ('files'), ('compute');

ALTER TABLE "worker" ADD COLUMN "provider" TEXT NOT NULL DEFAULT 'cpu', ADD COLUMN "memory" BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN "models" TEXT[] NOT NULL DEFAULT '{}', ADD COLUMN "places" SMALLINT NOT NULL DEFAULT 1,
  ADD COLUMN "free" SMALLINT NOT NULL DEFAULT 0;

-- What hubs have: the job of each row, at the state of the row. A job that waits keeps its place in pg-boss until a worker first asks
-- for it by its ticket. What was measured before has no times of its own beside those of the row.
INSERT INTO job (id, kind, subject_id, state, attempt, resource, lane, priority, user_id, queue_id, problem, work, created_at, queued_at, started_at, finished_at)
SELECT gen_random_uuid(), 'hash', u.id,
  CASE u.state WHEN 'hashing' THEN CASE WHEN u.attempt = 0 THEN 'queued' ELSE 'running' END WHEN 'verified' THEN 'succeeded' WHEN 'linked' THEN 'succeeded'
    WHEN 'failed' THEN 'failed' ELSE 'cancelled' END::job_state,
  u.attempt, 'files', CASE WHEN u.declared_size > 1000000000 THEN 'minutes' ELSE 'seconds' END::job_lane, 50, u.user_id, u.job_id, u.problem,
  greatest(u.declared_size, 1), u.created_at, u.created_at, NULL, CASE WHEN u.state <> 'hashing' THEN u.updated_at END
FROM upload u WHERE u.job_id IS NOT NULL;

INSERT INTO job (id, kind, subject_id, state, attempt, resource, lane, priority, user_id, queue_id, problem, created_at, queued_at, finished_at)
SELECT gen_random_uuid(), 'inspect', i.id, i.state, i.attempt, 'files', 'seconds', 50, c.author_id, i.job_id, i.problem, i.created_at, i.created_at, i.finished_at
FROM inspection i JOIN commit c ON c.id = i.commit_id;

INSERT INTO job (id, kind, subject_id, state, attempt, resource, lane, priority, user_id, queue_id, problem, work, created_at, queued_at, finished_at)
SELECT gen_random_uuid(), 'check', p.id, p.state, p.attempt, 'compute', 'minutes', 0, c.author_id, p.job_id, p.problem,
  16 + coalesce((p.summary #>> '{request,pictures}')::float8, 0), p.created_at, p.created_at, CASE WHEN p.state NOT IN ('queued', 'running') THEN p.updated_at END
FROM pair p LEFT JOIN commit c ON c.id = p.guide_commit_id;

INSERT INTO job (id, kind, subject_id, state, attempt, resource, lane, priority, user_id, queue_id, problem, created_at, queued_at, finished_at)
SELECT gen_random_uuid(), 'preview', v.id, v.state, v.attempt, 'compute', 'seconds', CASE WHEN v.sheet_index IS NULL THEN 100 ELSE 10 END, v.user_id, v.job_id,
  v.problem, v.created_at, v.created_at, v.finished_at
FROM preview v;

DROP TRIGGER job_rules ON inspection;
DROP TRIGGER job_rules ON pair;
DROP TRIGGER job_rules ON preview;
DROP TRIGGER job_rules ON distillation;
CREATE TRIGGER job_rules BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_rules();

DROP TRIGGER tell_watchers ON upload;
DROP TRIGGER tell_watchers ON pair;
DROP TRIGGER tell_watchers ON preview;
ALTER TABLE upload DROP COLUMN job_id, DROP COLUMN read_size;
ALTER TABLE inspection DROP COLUMN job_id;
ALTER TABLE pair DROP COLUMN job_id, DROP COLUMN progress;
ALTER TABLE preview DROP COLUMN job_id, DROP COLUMN progress;
ALTER TABLE distillation DROP COLUMN state, DROP COLUMN attempt, DROP COLUMN step, DROP COLUMN steps, DROP COLUMN checkpoint_key, DROP COLUMN problem, DROP COLUMN finished_at;
CREATE TRIGGER tell_watchers AFTER UPDATE OF state ON upload FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE OF state ON pair FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE OF state ON preview FOR EACH ROW EXECUTE FUNCTION tell_watchers();

CREATE FUNCTION tell_watchers_of_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('guidepost', NEW.subject_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE ON job_progress FOR EACH ROW EXECUTE FUNCTION tell_watchers_of_progress();

-- A row says of itself how its work went, since that is what everybody asks of it; the job alone decides it.
CREATE FUNCTION job_moves_its_subject() RETURNS trigger LANGUAGE plpgsql AS $$
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
  END CASE;
  RETURN NULL;
END $$;
CREATE TRIGGER job_moves_its_subject AFTER INSERT OR UPDATE OF state, attempt, problem ON job FOR EACH ROW EXECUTE FUNCTION job_moves_its_subject();

-- What is gone needs no work.
CREATE FUNCTION job_goes_with_its_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job WHERE subject_id = OLD.id AND kind = TG_ARGV[0]::job_kind;
  RETURN NULL;
END $$;
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON upload FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('hash');
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON inspection FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('inspect');
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON pair FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('check');
CREATE TRIGGER job_goes_with_its_subject AFTER DELETE ON preview FOR EACH ROW EXECUTE FUNCTION job_goes_with_its_subject('preview');

-- What ended takes its progress along.
CREATE FUNCTION job_forgets_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job_progress WHERE job_id = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER job_forgets_progress AFTER UPDATE OF state ON job FOR EACH ROW WHEN (OLD.state = 'running') EXECUTE FUNCTION job_forgets_progress();
CREATE TRIGGER job_forgets_progress_too AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_forgets_progress();

-- What was lost once too often is seen by whoever looks for lost jobs.
DO $$ BEGIN
  IF to_regclass('pgboss.queue') IS NOT NULL THEN
    UPDATE pgboss.queue SET dead_letter = NULL WHERE dead_letter = 'lost';
  END IF;
END $$;
