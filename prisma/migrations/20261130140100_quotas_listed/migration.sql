-- A repo is listed from its first commit on: an upload that was refused, or was never finished, leaves nothing in anybody's lists. Kept by
-- a trigger, for no way of committing may forget it; a commit goes only with its repo, so it never becomes false again.

ALTER TABLE "repo" ADD COLUMN "has_commits" BOOLEAN NOT NULL DEFAULT false;
UPDATE repo SET has_commits = true WHERE EXISTS (SELECT FROM commit WHERE repo_id = repo.id);

CREATE FUNCTION repo_has_commits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE repo SET has_commits = true WHERE id = NEW.repo_id AND NOT has_commits;
  RETURN NULL;
END $$;
CREATE TRIGGER repo_has_commits AFTER INSERT ON commit FOR EACH ROW EXECUTE FUNCTION repo_has_commits();

DROP INDEX repo_listed_by_update, repo_listed_by_downloads;
CREATE INDEX repo_listed_by_update ON repo (updated_at DESC, id DESC) WHERE deleted_at IS NULL AND visibility = 'public' AND has_commits;
CREATE INDEX repo_listed_by_downloads ON repo (downloads DESC, id DESC) WHERE deleted_at IS NULL AND visibility = 'public' AND has_commits;
