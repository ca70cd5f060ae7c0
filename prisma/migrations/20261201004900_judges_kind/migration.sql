-- By itself: PostgreSQL lets nobody use a new value of an enum before the transaction that added it has ended.
ALTER TYPE "repo_kind" ADD VALUE 'evaluator';
