-- A measurement that goes on after a look tells how long the next takes, too: what a unit of work took stands on its own.
ALTER TABLE job ADD COLUMN rate double precision, ADD COLUMN rated_at timestamptz(3);
UPDATE job SET rate = ran / work, rated_at = finished_at WHERE state = 'succeeded' AND ran > 0 AND work > 0;
DROP INDEX job_lately;
DROP INDEX job_lately_of_model;
CREATE INDEX job_rated ON job (kind, rated_at DESC) WHERE rate IS NOT NULL;
CREATE INDEX job_rated_of_model ON job (model_key, kind, rated_at DESC) WHERE rate IS NOT NULL AND model_key IS NOT NULL;
