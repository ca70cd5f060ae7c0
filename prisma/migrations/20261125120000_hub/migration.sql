-- What running the hub asks of the tables: who may do everything, which workers are there, which job of the queue is behind a
-- row, how far it is, and a word to whoever waits for it.

ALTER TABLE "app_user" ADD COLUMN "is_operator" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "inspection" ADD COLUMN "base_commit_id" TEXT, ADD COLUMN "job_id" UUID;
ALTER TABLE "pair" ADD COLUMN "job_id" UUID, ADD COLUMN "progress" JSONB;
ALTER TABLE "preview" ADD COLUMN "job_id" UUID, ADD COLUMN "progress" JSONB;

-- An upload that began before this column existed goes by a name that says so.
ALTER TABLE "upload" ADD COLUMN "job_id" UUID, ADD COLUMN "path" TEXT NOT NULL DEFAULT 'unnamed';
ALTER TABLE "upload" ALTER COLUMN "path" DROP DEFAULT;

CREATE TABLE "worker" (
    "id" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "version" TEXT NOT NULL,
    "runtime" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stopped_at" TIMESTAMPTZ(3),

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "worker_seen_at_idx" ON "worker"("seen_at");

CREATE INDEX "inspection_base_commit_id_idx" ON "inspection"("base_commit_id");
ALTER TABLE "inspection" ADD CONSTRAINT "inspection_base_commit_id_fkey" FOREIGN KEY ("base_commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE upload
  ADD CONSTRAINT upload_path_is_a_path CHECK (
    octet_length(path) BETWEEN 1 AND 1024
    AND path !~ '(^|/)\.{0,2}(/|$)'
    AND path !~ '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\\]'
    AND path IS NFC NORMALIZED
  );

-- Bytes come, are read, and go again: how far a worker has read an upload, what an ended one still has in the store, and since when
-- nothing names a blob.
ALTER TABLE "blob" ADD COLUMN "unused_since" TIMESTAMPTZ(3);
ALTER TABLE "upload" ADD COLUMN "read_size" BIGINT NOT NULL DEFAULT 0, ADD COLUMN "cleared_at" TIMESTAMPTZ(3);

ALTER TABLE upload
  ADD CONSTRAINT upload_read_size_in_range CHECK (read_size BETWEEN 0 AND greatest(declared_size, 0)),
  ADD CONSTRAINT upload_cleared_has_ended CHECK (cleared_at IS NULL OR state NOT IN ('open', 'receiving', 'hashing'));

CREATE INDEX blob_to_purge ON blob (unused_since) WHERE unused_since IS NOT NULL;
CREATE INDEX upload_to_clear ON upload (id) WHERE cleared_at IS NULL AND state NOT IN ('open', 'receiving', 'hashing');

-- Whoever shows the progress of a row listens on the channel «guidepost»; the payload is the row's id. A row that moved or got
-- further is told after the commit, so that who then reads it sees what was told.

CREATE FUNCTION tell_watchers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('guidepost', NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER tell_watchers AFTER UPDATE OF state, read_size ON upload FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE OF state ON inspection FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE OF state, progress ON pair FOR EACH ROW EXECUTE FUNCTION tell_watchers();
CREATE TRIGGER tell_watchers AFTER INSERT OR UPDATE OF state, progress ON preview FOR EACH ROW EXECUTE FUNCTION tell_watchers();

-- Which parts of an upload have come is for the store to say: what it lists is what it can put together.
DROP TABLE upload_part;

-- How often somebody tried to sign in or up; all web processes count together.
CREATE TABLE "throttle" (
    "key" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "resets_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "throttle_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "throttle_resets_at_idx" ON "throttle"("resets_at");

ALTER TABLE throttle
  ADD CONSTRAINT throttle_key_is_hex CHECK (key ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT throttle_count_not_negative CHECK (count >= 0);

ALTER TABLE "preview_image" ADD COLUMN "recipe" JSONB NOT NULL DEFAULT '{}';
