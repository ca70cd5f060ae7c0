-- A guide is made of a base. By itself, for a new value is usable only once it is committed.
ALTER TYPE "job_kind" ADD VALUE 'distill';
