-- What a job needs of memory is known when it is asked for; the sentence of its largest part goes with it. A worker whose networks lie on
-- a graphics card knows of no limit.
ALTER TABLE job ADD COLUMN needs_for TEXT;
ALTER TABLE worker ALTER COLUMN memory DROP NOT NULL, ALTER COLUMN memory DROP DEFAULT;
CREATE INDEX job_waiting_for_memory ON job (needs_bytes) WHERE state = 'queued' AND needs_bytes IS NOT NULL;
