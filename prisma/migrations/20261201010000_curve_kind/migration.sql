-- What else could be done with a guide's passes. By itself, for a new value is usable only once it is committed.
ALTER TYPE "job_kind" ADD VALUE 'curve';
