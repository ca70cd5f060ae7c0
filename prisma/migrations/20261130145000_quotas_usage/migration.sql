-- What each namespace holds and has announced, counted as it comes and goes, and what an operator lets it hold. A row is locked by
-- whoever changes what it counts until that is committed, so who looks after they have written sees exactly what there is.

CREATE TABLE quota (
  namespace_id uuid NOT NULL,
  used_bytes bigint NOT NULL DEFAULT 0,
  used_files int NOT NULL DEFAULT 0,
  used_repos int NOT NULL DEFAULT 0,
  reserved_bytes bigint NOT NULL DEFAULT 0,
  reserved_files int NOT NULL DEFAULT 0,
  limit_bytes bigint,
  limit_files int,
  limit_repos int,
  limit_jobs int,
  limit_device_seconds int,
  CONSTRAINT quota_pkey PRIMARY KEY (namespace_id),
  CONSTRAINT quota_namespace_id_fkey FOREIGN KEY (namespace_id) REFERENCES namespace (id) ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT quota_counts_not_negative CHECK (least(used_bytes, used_files, used_repos, reserved_bytes, reserved_files) >= 0),
  CONSTRAINT quota_limits_not_negative CHECK (coalesce(least(limit_bytes, limit_files, limit_repos, limit_jobs, limit_device_seconds), 0) >= 0)
);

-- Counted from the rows themselves: to begin with, and for fsck to compare with.
CREATE VIEW quota_counted AS
SELECT n.id AS namespace_id,
  coalesce(held.bytes, 0)::bigint AS used_bytes, coalesce(held.files, 0)::int AS used_files, coalesce(held.repos, 0)::int AS used_repos,
  coalesce(announced.bytes, 0)::bigint AS reserved_bytes, coalesce(announced.files, 0)::int AS reserved_files
FROM namespace n
LEFT JOIN (
  SELECT r.namespace_id, sum(b.size) AS bytes, count(b.blob_sha256) AS files, count(DISTINCT r.id) AS repos
  FROM repo r LEFT JOIN repo_blob b ON b.repo_id = r.id WHERE r.deleted_at IS NULL GROUP BY 1
) held ON held.namespace_id = n.id
LEFT JOIN (
  SELECT r.namespace_id, sum(u.declared_size) AS bytes, count(*) AS files
  FROM upload u JOIN repo r ON r.id = u.repo_id WHERE u.state IN ('open', 'receiving', 'hashing', 'verified') GROUP BY 1
) announced ON announced.namespace_id = n.id;

UPDATE upload SET state = 'expired', updated_at = now() FROM repo r
WHERE r.id = upload.repo_id AND r.deleted_at IS NOT NULL AND upload.state IN ('open', 'receiving', 'hashing', 'verified');
INSERT INTO quota (namespace_id, used_bytes, used_files, used_repos, reserved_bytes, reserved_files) SELECT * FROM quota_counted;

CREATE FUNCTION namespace_has_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO quota (namespace_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER namespace_has_quota AFTER INSERT ON namespace FOR EACH ROW EXECUTE FUNCTION namespace_has_quota();

-- A repo counts from when it is made until it is hidden, and all that it holds with it. What was being uploaded to it ends then.
CREATE FUNCTION quota_counts_repo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE quota SET used_repos = used_repos + 1 WHERE namespace_id = NEW.namespace_id AND NEW.deleted_at IS NULL;
    RETURN NULL;
  END IF;
  IF NEW.deleted_at IS NOT NULL THEN
    UPDATE upload SET state = 'expired', updated_at = now() WHERE repo_id = NEW.id AND state IN ('open', 'receiving', 'hashing', 'verified');
  END IF;
  UPDATE quota q SET used_repos = used_repos + sign, used_bytes = used_bytes + sign * held.bytes, used_files = used_files + sign * held.files
  FROM (SELECT CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END AS sign, coalesce(sum(size), 0)::bigint AS bytes, count(*)::int AS files
    FROM repo_blob WHERE repo_id = NEW.id) held
  WHERE q.namespace_id = NEW.namespace_id;
  RETURN NULL;
END $$;
CREATE TRIGGER quota_counts_new_repo AFTER INSERT ON repo FOR EACH ROW EXECUTE FUNCTION quota_counts_repo();
CREATE TRIGGER quota_counts_hidden_repo AFTER UPDATE OF deleted_at ON repo FOR EACH ROW
  WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)) EXECUTE FUNCTION quota_counts_repo();

CREATE FUNCTION repo_keeps_namespace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refuse('repo_keeps_namespace', 'a repo does not change its namespace');
  RETURN NULL;
END $$;
CREATE TRIGGER repo_keeps_namespace BEFORE UPDATE OF namespace_id ON repo FOR EACH ROW
  WHEN (NEW.namespace_id <> OLD.namespace_id) EXECUTE FUNCTION repo_keeps_namespace();

-- Contents come with commits and go only with their repo.
CREATE FUNCTION quota_counts_contents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quota q SET used_bytes = used_bytes + came.bytes, used_files = used_files + came.files
  FROM (SELECT r.namespace_id, sum(a.size)::bigint AS bytes, count(*)::int AS files FROM added a JOIN repo r ON r.id = a.repo_id
    WHERE r.deleted_at IS NULL GROUP BY 1) came
  WHERE q.namespace_id = came.namespace_id;
  RETURN NULL;
END $$;
CREATE TRIGGER quota_counts_contents AFTER INSERT ON repo_blob REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION quota_counts_contents();

-- How many a person has, without a look at all that they ever had.
CREATE INDEX upload_unfinished ON upload (user_id) WHERE state IN ('open', 'receiving', 'hashing', 'verified');

-- What was announced counts until the upload ends: then it is a content of the repo, or nothing.
CREATE FUNCTION quota_counts_upload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quota q SET reserved_bytes = reserved_bytes + sign.of * NEW.declared_size, reserved_files = reserved_files + sign.of
  FROM repo r, (VALUES (CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END)) sign(of)
  WHERE r.id = NEW.repo_id AND q.namespace_id = r.namespace_id;
  RETURN NULL;
END $$;
CREATE TRIGGER quota_counts_new_upload AFTER INSERT ON upload FOR EACH ROW EXECUTE FUNCTION quota_counts_upload();
CREATE TRIGGER quota_counts_ended_upload AFTER UPDATE OF state ON upload FOR EACH ROW
  WHEN (OLD.state IN ('open', 'receiving', 'hashing', 'verified') AND NEW.state NOT IN ('open', 'receiving', 'hashing', 'verified'))
  EXECUTE FUNCTION quota_counts_upload();
