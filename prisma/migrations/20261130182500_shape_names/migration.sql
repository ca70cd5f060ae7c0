-- What prompts and recipes call by a name is found without reading every repo: by the name of the repo, or that of its weights file.
CREATE INDEX repo_called ON repo (name_key, created_at, id) WHERE deleted_at IS NULL AND has_commits;
CREATE INDEX inspection_of_file_called ON inspection (lower(facts->>'mainFile'), created_at);

-- Lists of previews, newest first, go on from any place through an index: whose they are, of which shelf, of which model or guide.
ALTER TABLE "preview" ADD COLUMN "finetune_repo_id" UUID, ADD COLUMN "guide_repo_id" UUID,
  ADD COLUMN "shelf" SMALLINT NOT NULL GENERATED ALWAYS AS (CASE WHEN sheet_index IS NOT NULL THEN 2 WHEN is_attached THEN 1 ELSE 0 END) STORED;

CREATE FUNCTION preview_is_of_repos() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.finetune_repo_id := (SELECT repo_id FROM commit WHERE id = NEW.finetune_commit_id);
  NEW.guide_repo_id := (SELECT repo_id FROM commit WHERE id = NEW.guide_commit_id);
  RETURN NEW;
END $$;
CREATE TRIGGER preview_is_of_repos BEFORE INSERT OR UPDATE OF finetune_commit_id, guide_commit_id ON preview FOR EACH ROW EXECUTE FUNCTION preview_is_of_repos();

ALTER TABLE preview DISABLE TRIGGER USER;
UPDATE preview v SET finetune_repo_id = (SELECT repo_id FROM commit WHERE id = v.finetune_commit_id), guide_repo_id = (SELECT repo_id FROM commit WHERE id = v.guide_commit_id);
ALTER TABLE preview ENABLE TRIGGER USER;

CREATE INDEX "preview_shelf_created_at_id_idx" ON "preview"("shelf", "created_at" DESC, "id" DESC);
CREATE INDEX "preview_finetune_repo_id_shelf_created_at_id_idx" ON "preview"("finetune_repo_id", "shelf", "created_at" DESC, "id" DESC);
CREATE INDEX "preview_guide_repo_id_shelf_created_at_id_idx" ON "preview"("guide_repo_id", "shelf", "created_at" DESC, "id" DESC);
DROP INDEX "preview_user_id_created_at_idx";
CREATE INDEX "preview_user_id_shelf_created_at_id_idx" ON "preview"("user_id", "shelf", "created_at" DESC, "id" DESC);
