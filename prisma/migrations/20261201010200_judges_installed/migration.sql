-- What judges pairs on this hub, as its operators chose it. A row stays when its evaluator is taken out, so that evidence that it gave can
-- still say whose word it was. docs/decisions/who-judges.md
CREATE TABLE "installed_evaluator" (
    "id" UUID NOT NULL,
    "repo_id" UUID NOT NULL,
    "commit_id" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "bases" UUID[] DEFAULT ARRAY[]::UUID[],
    "installed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "installed_evaluator_pkey" PRIMARY KEY ("id"),
    CONSTRAINT installed_evaluator_is_of_a_kind CHECK (kind IN ('attributes', 'clip'))
);
CREATE INDEX "installed_evaluator_repo_id_idx" ON "installed_evaluator"("repo_id");
-- The same bytes twice would agree with themselves.
CREATE UNIQUE INDEX installed_evaluator_once ON installed_evaluator (sha256) WHERE removed_at IS NULL;
