-- Where a guide is at its best. By itself, for a new value is usable only once it is committed.
ALTER TYPE "job_kind" ADD VALUE 'envelope';
