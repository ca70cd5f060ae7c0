-- What the tables cannot say by their types. Every rule has a name, which its failure carries (SQLSTATE 23514, the name as the
-- constraint and as the detail), and a test that tries to break it.

-- 1. Shapes

ALTER TABLE repo ALTER COLUMN tags SET NOT NULL;
ALTER TABLE pair ALTER COLUMN reasons SET NOT NULL;
ALTER TABLE webhook ALTER COLUMN events SET NOT NULL;

ALTER TABLE app_user
  ADD CONSTRAINT app_user_email_is_small CHECK (email = lower(email));

ALTER TABLE namespace
  ADD CONSTRAINT namespace_name_is_a_name CHECK (name ~ '^[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$' AND name !~ '--|\.\.'),
  ADD CONSTRAINT namespace_of_a_user_has_one CHECK ((kind = 'user') = (user_id IS NOT NULL));

ALTER TABLE repo
  ADD CONSTRAINT repo_name_is_a_name CHECK (name ~ '^[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$' AND name !~ '--|\.\.' AND name !~* '\.git$'),
  ADD CONSTRAINT repo_downloads_not_negative CHECK (downloads >= 0),
  ADD CONSTRAINT repo_of_a_base_has_no_base CHECK (kind <> 'base' OR base_id IS NULL),
  ADD CONSTRAINT repo_tags_are_few CHECK (cardinality(tags) <= 100);

ALTER TABLE commit
  ADD CONSTRAINT commit_id_is_hex CHECK (id ~ '^[0-9a-f]{40}$'),
  ADD CONSTRAINT commit_sequence_from_one CHECK (sequence >= 1),
  ADD CONSTRAINT commit_is_not_its_parent CHECK (parent_id <> id),
  ADD CONSTRAINT commit_title_is_short CHECK (length(title) BETWEEN 1 AND 500),
  ADD CONSTRAINT commit_sums_not_negative CHECK (file_count >= 0 AND size >= 0);

-- A path is data, never a place on a disk; still no reader of it should have to think. Segments are not empty, «.» or «..».
ALTER TABLE commit_file
  ADD CONSTRAINT commit_file_path_is_a_path CHECK (
    octet_length(path) BETWEEN 1 AND 1024
    AND path !~ '(^|/)\.{0,2}(/|$)'
    AND path !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]'
    AND path IS NFC NORMALIZED
  );
CREATE UNIQUE INDEX commit_file_path_unique_in_any_case ON commit_file (commit_id, lower(path));

ALTER TABLE ref
  ADD CONSTRAINT ref_name_is_a_name CHECK (
    octet_length(name) BETWEEN 1 AND 255
    AND name ~ '^[^-/]'
    AND name !~ '[\u0001-\u0020\u007f~^:?*[\\]|\.\.|//|@\{|[/.]$|\.lock$'
    AND name !~ '^[0-9a-f]{40}$' -- a revision is a name or a commit, never either
  ),
  ADD CONSTRAINT ref_version_from_one CHECK (version >= 1);

ALTER TABLE blob
  ADD CONSTRAINT blob_sha256_is_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT blob_git_sha1_is_hex CHECK (git_sha1 ~ '^[0-9a-f]{40}$'),
  ADD CONSTRAINT blob_size_not_negative CHECK (size >= 0);

ALTER TABLE blob_hash
  ADD CONSTRAINT blob_hash_value_is_hex CHECK (value ~ '^[0-9a-f]+$' AND length(value) = CASE algorithm
    WHEN 'autov1' THEN 8 WHEN 'autov2' THEN 10 WHEN 'autov3' THEN 12 WHEN 'crc32' THEN 8 ELSE 64 END);

ALTER TABLE upload
  ADD CONSTRAINT upload_sha256_is_hex CHECK (declared_sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT upload_size_not_negative CHECK (declared_size >= 0),
  ADD CONSTRAINT upload_part_size_positive CHECK (part_size > 0),
  ADD CONSTRAINT upload_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT upload_expires_after_it_began CHECK (expires_at > created_at),
  ADD CONSTRAINT upload_verified_has_its_blob CHECK (state <> 'verified' OR blob_sha256 IS NOT NULL),
  ADD CONSTRAINT upload_blob_is_what_was_declared CHECK (blob_sha256 = declared_sha256),
  ADD CONSTRAINT upload_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL);

ALTER TABLE upload_part
  ADD CONSTRAINT upload_part_number_in_range CHECK (number BETWEEN 1 AND 10000), -- what S3 takes
  ADD CONSTRAINT upload_part_size_not_negative CHECK (size >= 0);

ALTER TABLE inspection
  ADD CONSTRAINT inspection_weights_are_hex CHECK (weights_sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT inspection_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT inspection_succeeded_has_facts CHECK (state <> 'succeeded' OR (facts IS NOT NULL AND finished_at IS NOT NULL)),
  ADD CONSTRAINT inspection_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL);

ALTER TABLE pair
  ADD CONSTRAINT pair_weights_are_hex CHECK (finetune_weights_sha256 ~ '^[0-9a-f]{64}$' AND guide_weights_sha256 ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT pair_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT pair_verdict_has_a_date CHECK (verdict = 'not_measured' OR measured_at IS NOT NULL),
  ADD CONSTRAINT pair_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL);

ALTER TABLE measurement
  ADD CONSTRAINT measurement_level_in_range CHECK (level BETWEEN 0 AND 5),
  ADD CONSTRAINT measurement_numbers_not_negative CHECK (n >= 0 AND attempt >= 0 AND milliseconds >= 0);

ALTER TABLE preview
  ADD CONSTRAINT preview_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT preview_attached_is_kept CHECK (NOT is_attached OR expires_at IS NULL),
  ADD CONSTRAINT preview_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL);

ALTER TABLE preview_image
  ADD CONSTRAINT preview_image_has_a_size CHECK (width > 0 AND height > 0),
  ADD CONSTRAINT preview_image_numbers_not_negative CHECK (passes >= 0 AND attempt >= 0 AND milliseconds >= 0);

ALTER TABLE distillation
  ADD CONSTRAINT distillation_steps_in_range CHECK (steps > 0 AND step BETWEEN 0 AND steps),
  ADD CONSTRAINT distillation_attempt_not_negative CHECK (attempt >= 0),
  ADD CONSTRAINT distillation_failed_says_why CHECK (state <> 'failed' OR problem IS NOT NULL);

ALTER TABLE distillation_metric
  ADD CONSTRAINT distillation_metric_step_not_negative CHECK (step >= 0);

ALTER TABLE job_event
  ADD CONSTRAINT job_event_attempt_not_negative CHECK (attempt >= 0);

ALTER TABLE webhook
  ADD CONSTRAINT webhook_url_is_web CHECK (url ~ '^https?://[^\s]+$' AND length(url) <= 2048),
  ADD CONSTRAINT webhook_hears_of_something CHECK (cardinality(events) > 0),
  ADD CONSTRAINT webhook_failures_not_negative CHECK (failures >= 0);

ALTER TABLE download_day
  ADD CONSTRAINT download_day_count_positive CHECK (count > 0);

ALTER TABLE download_seen
  ADD CONSTRAINT download_seen_visitor_is_hex CHECK (visitor ~ '^[0-9a-f]{64}$');

-- 2. Unique where it counts, and the orders that listings use

CREATE UNIQUE INDEX repo_name_unique_while_live ON repo (namespace_id, name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX webhook_unique_target ON webhook (namespace_id, coalesce(repo_id, '00000000-0000-0000-0000-000000000000'), url);

CREATE INDEX repo_listed_by_update ON repo (updated_at DESC, id DESC) WHERE deleted_at IS NULL AND visibility = 'public';
CREATE INDEX repo_listed_by_downloads ON repo (downloads DESC, id DESC) WHERE deleted_at IS NULL AND visibility = 'public';
CREATE INDEX repo_to_purge ON repo (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX upload_to_expire ON upload (expires_at) WHERE state IN ('open', 'receiving', 'hashing', 'verified');
CREATE INDEX preview_to_expire ON preview (expires_at) WHERE expires_at IS NOT NULL;

-- 3. What a row may become

CREATE FUNCTION refuse(rule text, sentence text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', sentence USING ERRCODE = 'check_violation', CONSTRAINT = rule, DETAIL = rule;
END $$;

CREATE FUNCTION member_in_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT kind FROM namespace WHERE id = NEW.namespace_id) = 'user' THEN
    PERFORM refuse('member_in_organisation', 'the namespace of a person has no members');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER member_in_organisation BEFORE INSERT OR UPDATE ON member FOR EACH ROW EXECUTE FUNCTION member_in_organisation();

CREATE FUNCTION namespace_keeps_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refuse('namespace_keeps_kind', 'a namespace does not change its kind');
  RETURN NULL;
END $$;
CREATE TRIGGER namespace_keeps_kind BEFORE UPDATE ON namespace FOR EACH ROW WHEN (NEW.kind <> OLD.kind) EXECUTE FUNCTION namespace_keeps_kind();

CREATE FUNCTION repo_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.deleted_at IS NULL THEN PERFORM refuse('repo_hidden_before_purge', 'a repo is hidden first and removed after the grace'); END IF;
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.kind <> OLD.kind THEN PERFORM refuse('repo_keeps_kind', 'a repo does not change its kind'); END IF;
  IF NEW.base_id IS NOT NULL AND (SELECT kind FROM repo WHERE id = NEW.base_id) <> 'base' THEN
    PERFORM refuse('repo_base_is_a_base', 'what a repo is made for must be a base');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER repo_rules BEFORE INSERT OR UPDATE OR DELETE ON repo FOR EACH ROW EXECUTE FUNCTION repo_rules();

-- History. A commit goes only with its hidden repo, and changes only to forget its author. Its files come with it: as many, and as
-- many bytes, as it says, which nobody can add to later.

CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refuse(TG_TABLE_NAME || '_stays', format('rows of %s stay as they are', TG_TABLE_NAME));
  RETURN NULL;
END $$;

CREATE FUNCTION in_live_repo(of_commit text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = of_commit AND r.deleted_at IS NULL)
$$;

CREATE FUNCTION commit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND NOT in_live_repo(OLD.id) THEN RETURN OLD; END IF;
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) || '{"author_id": null}' THEN RETURN NEW; END IF;
  PERFORM refuse('commit_stays', 'a commit does not change');
  RETURN NULL;
END $$;
CREATE TRIGGER commit_stays BEFORE UPDATE OR DELETE ON commit FOR EACH ROW EXECUTE FUNCTION commit_stays();
CREATE TRIGGER commit_stays_whole BEFORE TRUNCATE ON commit FOR EACH STATEMENT EXECUTE FUNCTION stays();

CREATE FUNCTION commit_file_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT in_live_repo(OLD.commit_id) THEN RETURN OLD; END IF;
  PERFORM refuse('commit_file_stays', 'the files of a commit do not change');
  RETURN NULL;
END $$;
CREATE TRIGGER commit_file_stays BEFORE UPDATE ON commit_file FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER commit_file_leaves BEFORE DELETE ON commit_file FOR EACH ROW EXECUTE FUNCTION commit_file_stays();
CREATE TRIGGER commit_file_stays_whole BEFORE TRUNCATE ON commit_file FOR EACH STATEMENT EXECUTE FUNCTION stays();

CREATE FUNCTION commit_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  files int;
  bytes bigint;
BEGIN
  SELECT count(*), coalesce(sum(size), 0) INTO files, bytes FROM commit_file WHERE commit_id = NEW.id;
  IF (files, bytes) <> (NEW.file_count, NEW.size) THEN
    PERFORM refuse('commit_is_whole', format('commit %s says %s files of %s bytes and has %s of %s', NEW.id, NEW.file_count, NEW.size, files, bytes));
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER commit_is_whole AFTER INSERT ON commit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commit_is_whole();

-- Linking and purging a blob take the same row lock, so that one of them sees what the other did.

CREATE FUNCTION commit_files_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM commit c WHERE c.id IN (SELECT commit_id FROM added) AND c.file_count < (SELECT count(*) FROM commit_file f WHERE f.commit_id = c.id)) THEN
    PERFORM refuse('commit_is_whole', 'a commit has more files than it says');
  END IF;
  PERFORM blob_may_be_used(ARRAY(SELECT DISTINCT blob_sha256 FROM added));
  RETURN NULL;
END $$;
CREATE TRIGGER commit_files_added AFTER INSERT ON commit_file REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION commit_files_added();

CREATE FUNCTION preview_images_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM blob_may_be_used(ARRAY(SELECT DISTINCT blob_sha256 FROM added));
  RETURN NULL;
END $$;
CREATE TRIGGER preview_images_added AFTER INSERT ON preview_image REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION preview_images_added();

CREATE TRIGGER preview_image_stays BEFORE UPDATE ON preview_image FOR EACH ROW EXECUTE FUNCTION stays();

CREATE FUNCTION blob_may_be_used(sha256s text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gone text;
BEGIN
  -- Two statements: a condition on purging_at in the first would be applied before the lock, and leave the others unlocked.
  PERFORM FROM blob WHERE sha256 = ANY (sha256s) ORDER BY sha256 FOR SHARE;
  SELECT sha256 INTO gone FROM blob WHERE sha256 = ANY (sha256s) AND purging_at IS NOT NULL LIMIT 1;
  IF gone IS NOT NULL THEN PERFORM refuse('blob_is_purging', format('blob %s is being purged', gone)); END IF;
END $$;

CREATE FUNCTION blob_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.purging_at IS NULL THEN PERFORM refuse('blob_marked_before_delete', 'a blob is marked as purging, then its object is deleted, then its row'); END IF;
    RETURN OLD;
  END IF;
  IF (NEW.sha256, NEW.size, NEW.storage_key, NEW.storage_tag, NEW.git_sha1) IS DISTINCT FROM (OLD.sha256, OLD.size, OLD.storage_key, OLD.storage_tag, OLD.git_sha1) THEN
    PERFORM refuse('blob_stays', 'a blob does not change');
  END IF;
  IF NEW.purging_at IS NOT NULL AND (
    EXISTS (SELECT FROM commit_file WHERE blob_sha256 = NEW.sha256)
    OR EXISTS (SELECT FROM preview_image WHERE blob_sha256 = NEW.sha256)
    OR EXISTS (SELECT FROM upload WHERE blob_sha256 = NEW.sha256 AND state = 'verified')
  ) THEN
    PERFORM refuse('blob_in_use', format('blob %s is in use', NEW.sha256));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER blob_rules BEFORE UPDATE OR DELETE ON blob FOR EACH ROW EXECUTE FUNCTION blob_rules();

CREATE FUNCTION upload_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'open' THEN PERFORM refuse('upload_begins_open', 'an upload begins open'); END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.repo_id, NEW.declared_size, NEW.declared_sha256, NEW.idempotency_key, NEW.storage_key) IS DISTINCT FROM
     (OLD.id, OLD.repo_id, OLD.declared_size, OLD.declared_sha256, OLD.idempotency_key, OLD.storage_key)
     OR (NEW.user_id IS NOT NULL AND NEW.user_id IS DISTINCT FROM OLD.user_id)
     OR (NEW.blob_sha256 IS NOT NULL AND NEW.blob_sha256 IS DISTINCT FROM OLD.blob_sha256 AND (NEW.state <> 'verified' OR OLD.state = 'verified')) THEN
    PERFORM refuse('upload_stays', 'an upload keeps what it declared, and gets its blob when it is verified');
  END IF;
  IF NEW.attempt < OLD.attempt THEN PERFORM refuse('upload_attempt_grows', 'an older attempt may not write'); END IF;
  IF NEW.state <> OLD.state THEN
    IF (OLD.state, NEW.state) NOT IN (
      ('open', 'receiving'), ('open', 'hashing'), ('receiving', 'hashing'), ('hashing', 'verified'), ('verified', 'linked'),
      ('open', 'failed'), ('receiving', 'failed'), ('hashing', 'failed'),
      ('open', 'aborted'), ('receiving', 'aborted'), ('hashing', 'aborted'), ('verified', 'aborted'),
      ('open', 'expired'), ('receiving', 'expired'), ('hashing', 'expired'), ('verified', 'expired')
    ) THEN
      PERFORM refuse('upload_moves', format('an upload does not go from %s to %s', OLD.state, NEW.state));
    END IF;
    IF NEW.state = 'verified' THEN
      PERFORM blob_may_be_used(ARRAY[NEW.blob_sha256]);
      IF NEW.declared_size <> (SELECT size FROM blob WHERE sha256 = NEW.blob_sha256) THEN
        PERFORM refuse('upload_blob_is_what_was_declared', 'the bytes are not as many as declared');
      END IF;
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER upload_rules BEFORE INSERT OR UPDATE ON upload FOR EACH ROW EXECUTE FUNCTION upload_rules();

CREATE FUNCTION ref_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind <> OLD.kind THEN PERFORM refuse('ref_keeps_kind', 'a branch stays a branch and a tag a tag'); END IF;
  IF NEW.commit_id <> OLD.commit_id AND OLD.kind = 'tag' THEN PERFORM refuse('ref_tag_stays', 'a tag does not move'); END IF;
  IF NEW.version <> OLD.version + (NEW.commit_id <> OLD.commit_id)::int THEN
    PERFORM refuse('ref_version_counts_moves', 'the version of a branch counts its moves');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ref_rules BEFORE UPDATE ON ref FOR EACH ROW EXECUTE FUNCTION ref_rules();

-- Work. Each claim counts the attempt up; what has ended may only be asked for again.

CREATE FUNCTION job_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.attempt < OLD.attempt THEN PERFORM refuse(TG_TABLE_NAME || '_attempt_grows', 'an older attempt may not write'); END IF;
  IF NEW.state = OLD.state THEN RETURN NEW; END IF;
  IF (OLD.state, NEW.state) NOT IN (
    ('queued', 'running'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('running', 'queued'), ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'),
    ('succeeded', 'queued'), ('failed', 'queued'), ('cancelled', 'queued')
  ) THEN
    PERFORM refuse(TG_TABLE_NAME || '_moves', format('a job does not go from %s to %s', OLD.state, NEW.state));
  END IF;
  IF NEW.state = 'running' AND NEW.attempt = OLD.attempt THEN
    PERFORM refuse(TG_TABLE_NAME || '_attempt_grows', 'a claim counts the attempt up');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER job_rules BEFORE UPDATE ON inspection FOR EACH ROW EXECUTE FUNCTION job_rules();
CREATE TRIGGER job_rules BEFORE UPDATE ON pair FOR EACH ROW EXECUTE FUNCTION job_rules();
CREATE TRIGGER job_rules BEFORE UPDATE ON preview FOR EACH ROW EXECUTE FUNCTION job_rules();
CREATE TRIGGER job_rules BEFORE UPDATE ON distillation FOR EACH ROW EXECUTE FUNCTION job_rules();

-- Evidence. A good verdict needs its measurements, in the same transaction at the latest.

CREATE FUNCTION pair_is_of_kinds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  finetune repo_kind := (SELECT r.kind FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = NEW.finetune_commit_id);
  guide repo_kind := (SELECT r.kind FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = NEW.guide_commit_id);
BEGIN
  IF finetune = 'guide' OR guide <> 'guide' THEN PERFORM refuse('pair_is_of_kinds', 'a pair is a fine-tune or base, and a guide'); END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pair_is_of_kinds BEFORE INSERT OR UPDATE OF finetune_commit_id, guide_commit_id ON pair FOR EACH ROW EXECUTE FUNCTION pair_is_of_kinds();

CREATE FUNCTION pair_verdict_is_measured() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  needed int[] := CASE NEW.verdict WHEN 'verified' THEN ARRAY[0, 1, 2, 4] WHEN 'usable_with_limits' THEN ARRAY[0, 2, 4] ELSE ARRAY[]::int[] END;
BEGIN
  IF NOT needed <@ ARRAY(SELECT level::int FROM measurement WHERE pair_id = NEW.id AND n > 0) THEN
    PERFORM refuse('pair_verdict_is_measured', format('%s needs measurements of the levels %s', NEW.verdict, needed));
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER pair_verdict_is_measured AFTER INSERT OR UPDATE ON pair DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.verdict IN ('verified', 'usable_with_limits')) EXECUTE FUNCTION pair_verdict_is_measured();

CREATE TRIGGER measurement_stays BEFORE UPDATE ON measurement FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER job_event_stays BEFORE UPDATE ON job_event FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER audit_event_stays_whole BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION stays();

-- 4. Questions that are asked often

-- What a repo is today: the commit of its default branch, and what the last good inspection of it found.
CREATE VIEW repo_head AS
SELECT r.id AS repo_id, f.commit_id, i.id AS inspection_id, i.contract, i.weights_sha256, i.facts
FROM repo r
JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
LEFT JOIN LATERAL (
  SELECT * FROM inspection WHERE commit_id = f.commit_id AND state = 'succeeded' ORDER BY finished_at DESC LIMIT 1
) i ON true
WHERE r.deleted_at IS NULL;

-- Bytes that a namespace holds (each blob once) and bytes that its uploads have reserved. Counted, never kept, so it cannot drift.
CREATE VIEW namespace_usage AS
SELECT n.id AS namespace_id,
  (SELECT coalesce(sum(b.size), 0)::bigint FROM blob b WHERE b.sha256 IN (
    SELECT cf.blob_sha256 FROM repo r JOIN commit c ON c.repo_id = r.id JOIN commit_file cf ON cf.commit_id = c.id WHERE r.namespace_id = n.id)) AS stored,
  (SELECT coalesce(sum(u.declared_size), 0)::bigint FROM repo r JOIN upload u ON u.repo_id = r.id
    WHERE r.namespace_id = n.id AND u.state IN ('open', 'receiving', 'hashing', 'verified')) AS reserved
FROM namespace n;

-- Counts a download once for each repo, day and visitor. Says whether it counted.
CREATE FUNCTION count_download(of_repo uuid, on_day date, of_visitor text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO download_seen (repo_id, day, visitor) VALUES (of_repo, on_day, of_visitor) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO download_day (repo_id, day, count) VALUES (of_repo, on_day, 1) ON CONFLICT (repo_id, day) DO UPDATE SET count = download_day.count + 1;
  UPDATE repo SET downloads = downloads + 1 WHERE id = of_repo;
  RETURN true;
END $$;
