-- The files of a commit as a search tree that commits share, in the place of a copy of all rows for each commit; and which contents
-- a repo has. What was there is kept: ids of commits, files, sizes.

-- 1. Tables

-- A node of a search tree over the paths of a commit. It belongs to its repo, and goes with it.
CREATE TABLE tree (
  repo_id uuid NOT NULL,
  id text NOT NULL,
  level smallint NOT NULL,
  entry_count smallint NOT NULL,
  file_count int NOT NULL,
  size bigint NOT NULL,
  CONSTRAINT tree_pkey PRIMARY KEY (repo_id, id)
);
CREATE UNIQUE INDEX tree_repo_id_id_file_count_size_key ON tree (repo_id, id, file_count, size);

-- A file at level 0, above it a node of the level below.
CREATE TABLE tree_entry (
  repo_id uuid NOT NULL,
  tree_id text NOT NULL,
  ordinal smallint NOT NULL,
  key text COLLATE "C" NOT NULL,
  last_key text COLLATE "C",
  path text,
  blob_sha256 text,
  lfs boolean,
  child_id text,
  file_count int NOT NULL,
  size bigint NOT NULL,
  CONSTRAINT tree_entry_pkey PRIMARY KEY (repo_id, tree_id, ordinal)
);

-- A content that a commit of the repo has named. It is the repo's as long as the repo is there, since commits do not go.
CREATE TABLE repo_blob (
  repo_id uuid NOT NULL,
  blob_sha256 text NOT NULL,
  size bigint NOT NULL,
  commit_id text NOT NULL,
  head_paths int NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT repo_blob_pkey PRIMARY KEY (repo_id, blob_sha256)
);
CREATE UNIQUE INDEX repo_blob_repo_id_blob_sha256_size_key ON repo_blob (repo_id, blob_sha256, size);
CREATE INDEX repo_blob_blob_sha256_idx ON repo_blob (blob_sha256);
CREATE INDEX repo_blob_repo_id_commit_id_idx ON repo_blob (repo_id, commit_id);

ALTER TABLE commit ADD COLUMN tree_id text;

-- 2. The files of the commits that are there

-- What lib/catalog/trees/key.ts makes of a path. Letters outside of ASCII need the rules of Unicode, which ICU has.
CREATE FUNCTION pg_temp.key_of(path text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  folded text;
BEGIN
  IF path ~ '^[\x20-\x7e]*$' THEN
    folded := lower(path COLLATE "C");
  ELSIF EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') THEN
    EXECUTE 'SELECT normalize(lower(upper($1 COLLATE "und-x-icu") COLLATE "und-x-icu"), NFC)' INTO folded USING path;
  ELSE
    folded := normalize(lower(upper(path)), NFC);
  END IF;
  RETURN translate(folded, '/', chr(1));
END $$;

CREATE TEMP TABLE entry (
  n int, node int, key text COLLATE "C", last_key text COLLATE "C", path text, blob_sha256 text, lfs boolean, child_id text, file_count int, size bigint
) ON COMMIT DROP;
CREATE TEMP TABLE made (node int, id text, first_key text COLLATE "C", last_key text COLLATE "C", entries int, files int, size bigint) ON COMMIT DROP;

ALTER TABLE commit DISABLE TRIGGER commit_stays;
DO $$
DECLARE
  one record;
  level int;
  total int;
  nodes int;
BEGIN
  FOR one IN SELECT id, repo_id FROM commit ORDER BY repo_id, sequence LOOP
    TRUNCATE entry;
    INSERT INTO entry SELECT row_number() OVER (ORDER BY key) - 1, 0, key, NULL, path, blob_sha256, lfs, NULL, 1, size
      FROM (SELECT *, pg_temp.key_of(path) COLLATE "C" AS key FROM commit_file WHERE commit_id = one.id) f;
    GET DIAGNOSTICS total = ROW_COUNT;
    level := 0;
    LOOP
      nodes := CASE WHEN total <= 32 THEN 1 ELSE (total + 23) / 24 END;
      UPDATE entry SET node = n::bigint * nodes / total;
      TRUNCATE made;
      INSERT INTO made SELECT node, encode(sha256(convert_to(string_agg(
          CASE WHEN child_id IS NULL THEN format('file %s %s %s %s', blob_sha256, size, CASE WHEN lfs THEN 'lfs' ELSE 'git' END, path) ELSE 'tree ' || child_id END,
          E'\n' ORDER BY n), 'UTF8')), 'hex'), min(key), max(coalesce(last_key, key)), count(*), sum(file_count), sum(size)
        FROM entry GROUP BY node;
      IF total = 0 THEN INSERT INTO made VALUES (0, encode(sha256(''), 'hex'), NULL, NULL, 0, 0, 0); END IF;
      WITH new AS (
        INSERT INTO tree SELECT one.repo_id, id, level, entries, files, size FROM made ON CONFLICT DO NOTHING RETURNING id
      ) INSERT INTO tree_entry (repo_id, tree_id, ordinal, key, last_key, path, blob_sha256, lfs, child_id, file_count, size)
        SELECT one.repo_id, made.id, n - min(n) OVER (PARTITION BY node), e.key, e.last_key, path, blob_sha256, lfs, child_id, file_count, e.size
        FROM entry e JOIN made USING (node) JOIN new ON new.id = made.id;
      EXIT WHEN nodes = 1;
      TRUNCATE entry;
      INSERT INTO entry SELECT node, 0, first_key, last_key, NULL, NULL, NULL, id, files, size FROM made;
      level := level + 1;
      total := nodes;
    END LOOP;
    UPDATE commit SET tree_id = (SELECT id FROM made) WHERE id = one.id;
  END LOOP;
END $$;
ALTER TABLE commit ENABLE TRIGGER commit_stays;
ALTER TABLE commit ALTER COLUMN tree_id SET NOT NULL;

-- Of each content the newest commit that has it, and how many files of the newest commit on the default branch are it.
INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id, head_paths)
SELECT c.repo_id, f.blob_sha256, f.size, (array_agg(c.id ORDER BY c.sequence DESC))[1],
  count(*) FILTER (WHERE c.id = (SELECT h.commit_id FROM repo r JOIN ref h ON h.repo_id = r.id AND h.name = r.default_branch AND h.kind = 'branch' WHERE r.id = c.repo_id))
FROM commit c JOIN commit_file f ON f.commit_id = c.id GROUP BY c.repo_id, f.blob_sha256, f.size;

-- 3. Rules

ALTER TABLE tree
  ADD CONSTRAINT tree_repo_id_fkey FOREIGN KEY (repo_id) REFERENCES repo (id) ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT tree_id_is_hex CHECK (id ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT tree_is_small CHECK (level BETWEEN 0 AND 8 AND entry_count BETWEEN 0 AND 32),
  ADD CONSTRAINT tree_sums_not_negative CHECK (file_count >= 0 AND size >= 0);

CREATE INDEX tree_entry_child ON tree_entry (repo_id, child_id) WHERE child_id IS NOT NULL;
CREATE INDEX tree_entry_blob ON tree_entry (repo_id, blob_sha256) WHERE blob_sha256 IS NOT NULL;
-- Those between these tables are looked at when all rows of a commit are there: contents name the commit that brought them, trees
-- name contents and each other, and a commit names its tree.
ALTER TABLE tree_entry
  ADD CONSTRAINT tree_entry_repo_id_fkey FOREIGN KEY (repo_id) REFERENCES repo (id) ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT tree_entry_repo_id_tree_id_fkey FOREIGN KEY (repo_id, tree_id) REFERENCES tree (repo_id, id)
    ON DELETE CASCADE ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT tree_entry_repo_id_child_id_file_count_size_fkey FOREIGN KEY (repo_id, child_id, file_count, size)
    REFERENCES tree (repo_id, id, file_count, size) ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT tree_entry_repo_id_blob_sha256_size_fkey FOREIGN KEY (repo_id, blob_sha256, size)
    REFERENCES repo_blob (repo_id, blob_sha256, size) ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT tree_entry_is_a_file_or_a_tree CHECK (
    CASE WHEN child_id IS NULL THEN path IS NOT NULL AND blob_sha256 IS NOT NULL AND lfs IS NOT NULL AND last_key IS NULL AND file_count = 1
    ELSE path IS NULL AND blob_sha256 IS NULL AND lfs IS NULL AND last_key IS NOT NULL END
  ),
  -- A path is data, never a place on a disk; still no reader of it should have to think. Segments are not empty, «.» or «..».
  ADD CONSTRAINT tree_entry_path_is_a_path CHECK (
    octet_length(path) BETWEEN 1 AND 1024
    AND path !~ '(^|/)\.{0,2}(/|$)'
    AND path !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]'
    AND path IS NFC NORMALIZED
  ),
  -- Keys differ, so two paths that differ only in the case of letters have no place beside each other. What other letters than those
  -- of ASCII become is for the program to say: not every database has the rules of Unicode.
  ADD CONSTRAINT tree_entry_key_is_of_its_path CHECK (path ~ '[^\x20-\x7e]' OR key = translate(lower(path COLLATE "C"), '/', chr(1)));

ALTER TABLE repo_blob
  ADD CONSTRAINT repo_blob_repo_id_fkey FOREIGN KEY (repo_id) REFERENCES repo (id) ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT repo_blob_blob_sha256_size_fkey FOREIGN KEY (blob_sha256, size) REFERENCES blob (sha256, size) ON DELETE RESTRICT ON UPDATE CASCADE,
  ADD CONSTRAINT repo_blob_repo_id_commit_id_fkey FOREIGN KEY (repo_id, commit_id) REFERENCES commit (repo_id, id)
    ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT repo_blob_head_paths_not_negative CHECK (head_paths >= 0);

-- The commit says how many files and bytes it has, and so does its tree, whose sums are looked at when it is made.
CREATE INDEX commit_repo_id_tree_id_idx ON commit (repo_id, tree_id);
DROP TRIGGER commit_is_whole ON commit;
DROP FUNCTION commit_is_whole();
ALTER TABLE commit ADD CONSTRAINT commit_repo_id_tree_id_file_count_size_fkey FOREIGN KEY (repo_id, tree_id, file_count, size)
  REFERENCES tree (repo_id, id, file_count, size) ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED;

-- What stays as long as its repo does.
CREATE FUNCTION leaves_with_its_repo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM repo WHERE id = OLD.repo_id AND deleted_at IS NULL) THEN
    PERFORM refuse(TG_TABLE_NAME || '_stays', format('rows of %s go only with their repo', TG_TABLE_NAME));
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER tree_stays BEFORE UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER tree_leaves BEFORE DELETE ON tree FOR EACH ROW EXECUTE FUNCTION leaves_with_its_repo();
CREATE TRIGGER tree_stays_whole BEFORE TRUNCATE ON tree FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER tree_entry_stays BEFORE UPDATE ON tree_entry FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER tree_entry_leaves BEFORE DELETE ON tree_entry FOR EACH ROW EXECUTE FUNCTION leaves_with_its_repo();
CREATE TRIGGER tree_entry_stays_whole BEFORE TRUNCATE ON tree_entry FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER repo_blob_stays BEFORE UPDATE ON repo_blob FOR EACH ROW
  WHEN ((NEW.repo_id, NEW.blob_sha256, NEW.size) IS DISTINCT FROM (OLD.repo_id, OLD.blob_sha256, OLD.size)) EXECUTE FUNCTION stays();
CREATE TRIGGER repo_blob_leaves BEFORE DELETE ON repo_blob FOR EACH ROW EXECUTE FUNCTION leaves_with_its_repo();
CREATE TRIGGER repo_blob_stays_whole BEFORE TRUNCATE ON repo_blob FOR EACH STATEMENT EXECUTE FUNCTION stays();

-- A tree is what its id says, as much as it says, and in order: so a search finds what is there, and nothing is there twice.
CREATE FUNCTION tree_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
BEGIN
  SELECT count(*) AS entries, coalesce(sum(e.file_count), 0) AS files, coalesce(sum(e.size), 0) AS bytes, coalesce(bool_and(e.is_in_place), true) AS in_place,
    encode(sha256(convert_to(coalesce(string_agg(e.line, E'\n' ORDER BY e.ordinal), ''), 'UTF8')), 'hex') AS id
  INTO found
  FROM (
    SELECT e.ordinal, e.file_count, e.size,
      CASE WHEN e.child_id IS NULL THEN format('file %s %s %s %s', e.blob_sha256, e.size, CASE WHEN e.lfs THEN 'lfs' ELSE 'git' END, e.path)
        ELSE 'tree ' || e.child_id END AS line,
      e.ordinal = row_number() OVER places - 1 AND coalesce(lag(coalesce(e.last_key, e.key)) OVER places < e.key, true)
        AND (NEW.level = 0) = (e.child_id IS NULL) AND (e.child_id IS NULL OR coalesce((NEW.level - 1, e.key, e.last_key) = (
          SELECT (SELECT c.level FROM tree c WHERE c.repo_id = NEW.repo_id AND c.id = e.child_id), min(below.key), max(coalesce(below.last_key, below.key))
          FROM tree_entry below WHERE below.repo_id = NEW.repo_id AND below.tree_id = e.child_id), false)) AS is_in_place
    FROM tree_entry e WHERE e.repo_id = NEW.repo_id AND e.tree_id = NEW.id WINDOW places AS (ORDER BY e.ordinal)
  ) e;
  IF (found.entries, found.files, found.bytes, found.in_place, found.id) IS DISTINCT FROM (NEW.entry_count::bigint, NEW.file_count::bigint, NEW.size::numeric, true, NEW.id) THEN
    PERFORM refuse('tree_is_whole', format('the entries of tree %s are not those that it says', NEW.id));
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER tree_is_whole AFTER INSERT ON tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tree_is_whole();

CREATE FUNCTION tree_entries_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM tree t WHERE (t.repo_id, t.id) IN (SELECT repo_id, tree_id FROM added)
    AND t.entry_count < (SELECT count(*) FROM tree_entry e WHERE e.repo_id = t.repo_id AND e.tree_id = t.id)) THEN
    PERFORM refuse('tree_is_whole', 'a tree has more entries than it says');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tree_entries_added AFTER INSERT ON tree_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tree_entries_added();

-- Taking and purging a blob lock the same row, so that one of them sees what the other did.
CREATE FUNCTION repo_blobs_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM blob_may_be_used(ARRAY(SELECT DISTINCT blob_sha256 FROM added));
  RETURN NULL;
END $$;
CREATE TRIGGER repo_blobs_added AFTER INSERT ON repo_blob REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION repo_blobs_added();

CREATE OR REPLACE FUNCTION blob_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.purging_at IS NULL THEN PERFORM refuse('blob_marked_before_delete', 'a blob is marked as purging, then its object is deleted, then its row'); END IF;
    RETURN OLD;
  END IF;
  IF (NEW.sha256, NEW.size, NEW.storage_key, NEW.storage_tag, NEW.git_sha1) IS DISTINCT FROM (OLD.sha256, OLD.size, OLD.storage_key, OLD.storage_tag, OLD.git_sha1) THEN
    PERFORM refuse('blob_stays', 'a blob does not change');
  END IF;
  IF NEW.purging_at IS NOT NULL AND (
    EXISTS (SELECT FROM repo_blob WHERE blob_sha256 = NEW.sha256)
    OR EXISTS (SELECT FROM preview_image WHERE blob_sha256 = NEW.sha256)
    OR EXISTS (SELECT FROM upload WHERE blob_sha256 = NEW.sha256 AND state = 'verified')
  ) THEN
    PERFORM refuse('blob_in_use', format('blob %s is in use', NEW.sha256));
  END IF;
  RETURN NEW;
END $$;

DROP VIEW namespace_usage; -- read by nothing but a test
DROP TABLE commit_file;
DROP FUNCTION commit_file_stays();
DROP FUNCTION commit_files_added();

-- 4. How a file is found

-- The file with this key (lib/catalog/trees/key.ts) below a tree: one node of each level is read.
CREATE FUNCTION file_at(of_repo uuid, of_tree text, of_key text) RETURNS TABLE (path text, blob_sha256 text, size bigint, lfs boolean)
LANGUAGE sql STABLE ROWS 1 AS $$
  WITH RECURSIVE way AS (
    SELECT of_tree AS below, NULL::text AS path, NULL::text AS blob_sha256, NULL::bigint AS size, NULL::boolean AS lfs, NULL::text COLLATE "C" AS key
    UNION ALL
    SELECT e.child_id, e.path, e.blob_sha256, e.size, e.lfs, e.key FROM way CROSS JOIN LATERAL (
      SELECT * FROM tree_entry t WHERE t.repo_id = of_repo AND t.tree_id = way.below AND t.key <= of_key ORDER BY t.ordinal DESC LIMIT 1
    ) e
  ) SELECT path, blob_sha256, size, lfs FROM way WHERE path IS NOT NULL AND key = of_key
$$;

-- All files below a tree, in the order of their keys.
CREATE FUNCTION files_of(of_repo uuid, of_tree text) RETURNS TABLE (path text, blob_sha256 text, size bigint, lfs boolean)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE below AS (
    SELECT e.* FROM tree_entry e WHERE e.repo_id = of_repo AND e.tree_id = of_tree
    UNION ALL
    SELECT e.* FROM below JOIN tree_entry e ON e.repo_id = of_repo AND e.tree_id = below.child_id
  ) SELECT path, blob_sha256, size, lfs FROM below WHERE path IS NOT NULL ORDER BY key
$$;
