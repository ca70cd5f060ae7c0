-- CreateEnum
CREATE TYPE "namespace_kind" AS ENUM ('user', 'organisation');

-- CreateEnum
CREATE TYPE "member_role" AS ENUM ('owner', 'writer', 'reader');

-- CreateEnum
CREATE TYPE "hash_algorithm" AS ENUM ('autov1', 'autov2', 'autov3', 'blake3', 'crc32', 'tensors');

-- CreateEnum
CREATE TYPE "upload_state" AS ENUM ('open', 'receiving', 'hashing', 'verified', 'linked', 'failed', 'aborted', 'expired');

-- CreateEnum
CREATE TYPE "job_state" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "verdict" AS ENUM ('verified', 'usable_with_limits', 'incompatible', 'not_measured');

-- CreateEnum
CREATE TYPE "preview_mode" AS ENUM ('conditional', 'guide', 'cfg');

-- CreateEnum
CREATE TYPE "job_subject" AS ENUM ('upload', 'inspection', 'pair', 'preview', 'distillation', 'webhook');

-- CreateEnum
CREATE TYPE "job_event_kind" AS ENUM ('queued', 'started', 'progress', 'retried', 'succeeded', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "webhook_event" AS ENUM ('commit', 'repo', 'pair', 'preview', 'distillation');

-- CreateEnum
CREATE TYPE "repo_kind" AS ENUM ('base', 'finetune', 'guide');

-- CreateEnum
CREATE TYPE "visibility" AS ENUM ('public', 'private');

-- CreateEnum
CREATE TYPE "ref_kind" AS ENUM ('branch', 'tag');

-- CreateTable
CREATE TABLE "app_user" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "image" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ip_address" TEXT,
    "user_agent" TEXT,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "account" (
    "id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "access_token" TEXT,
    "refresh_token" TEXT,
    "id_token" TEXT,
    "access_token_expires_at" TIMESTAMPTZ(3),
    "refresh_token_expires_at" TIMESTAMPTZ(3),
    "scope" TEXT,
    "password" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verification" (
    "id" TEXT NOT NULL,
    "identifier" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "apikey" (
    "id" TEXT NOT NULL,
    "config_id" TEXT NOT NULL DEFAULT 'default',
    "name" TEXT,
    "start" TEXT,
    "prefix" TEXT,
    "key" TEXT NOT NULL,
    "reference_id" TEXT NOT NULL,
    "refill_interval" INTEGER,
    "refill_amount" INTEGER,
    "last_refill_at" TIMESTAMPTZ(3),
    "enabled" BOOLEAN DEFAULT true,
    "rate_limit_enabled" BOOLEAN DEFAULT true,
    "rate_limit_time_window" INTEGER,
    "rate_limit_max" INTEGER,
    "request_count" INTEGER DEFAULT 0,
    "remaining" INTEGER,
    "last_request" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),
    "permissions" TEXT,
    "metadata" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "apikey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "namespace" (
    "id" UUID NOT NULL,
    "kind" "namespace_kind" NOT NULL,
    "name" TEXT NOT NULL,
    "name_key" TEXT NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    "display_name" TEXT,
    "user_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "namespace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "member" (
    "namespace_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" "member_role" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "member_pkey" PRIMARY KEY ("namespace_id","user_id")
);

-- CreateTable
CREATE TABLE "blob" (
    "sha256" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "storage_key" TEXT NOT NULL,
    "storage_tag" TEXT,
    "git_sha1" TEXT NOT NULL,
    "verified_at" TIMESTAMPTZ(3) NOT NULL,
    "purging_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "blob_pkey" PRIMARY KEY ("sha256")
);

-- CreateTable
CREATE TABLE "blob_hash" (
    "blob_sha256" TEXT NOT NULL,
    "algorithm" "hash_algorithm" NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "blob_hash_pkey" PRIMARY KEY ("blob_sha256","algorithm")
);

-- CreateTable
CREATE TABLE "upload" (
    "id" UUID NOT NULL,
    "repo_id" UUID NOT NULL,
    "user_id" TEXT,
    "state" "upload_state" NOT NULL DEFAULT 'open',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "declared_size" BIGINT NOT NULL,
    "declared_sha256" TEXT,
    "idempotency_key" TEXT,
    "storage_key" TEXT NOT NULL,
    "storage_id" TEXT,
    "part_size" INTEGER,
    "blob_sha256" TEXT,
    "problem" TEXT,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "upload_part" (
    "upload_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "size" BIGINT NOT NULL,
    "etag" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "upload_part_pkey" PRIMARY KEY ("upload_id","number")
);

-- CreateTable
CREATE TABLE "inspection" (
    "id" UUID NOT NULL,
    "commit_id" TEXT NOT NULL,
    "tool_version" TEXT NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "facts" JSONB,
    "contract" TEXT,
    "weights_sha256" TEXT,
    "problem" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "inspection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "pair" (
    "id" UUID NOT NULL,
    "finetune_weights_sha256" TEXT NOT NULL,
    "guide_weights_sha256" TEXT NOT NULL,
    "protocol" TEXT NOT NULL,
    "runtime" TEXT NOT NULL,
    "finetune_commit_id" TEXT,
    "guide_commit_id" TEXT,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "verdict" "verdict" NOT NULL DEFAULT 'not_measured',
    "reasons" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "summary" JSONB NOT NULL DEFAULT '{}',
    "problem" TEXT,
    "measured_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "pair_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "measurement" (
    "id" UUID NOT NULL,
    "pair_id" UUID NOT NULL,
    "level" SMALLINT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "n" INTEGER NOT NULL,
    "raw" JSONB NOT NULL,
    "machine" TEXT NOT NULL,
    "milliseconds" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "measurement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "preview" (
    "id" UUID NOT NULL,
    "user_id" TEXT,
    "finetune_commit_id" TEXT NOT NULL,
    "guide_commit_id" TEXT,
    "recipe" JSONB NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "timings" JSONB,
    "problem" TEXT,
    "is_attached" BOOLEAN NOT NULL DEFAULT false,
    "expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "preview_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "preview_image" (
    "preview_id" UUID NOT NULL,
    "mode" "preview_mode" NOT NULL,
    "seed" BIGINT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "blob_sha256" TEXT NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "passes" INTEGER NOT NULL,
    "milliseconds" INTEGER NOT NULL,

    CONSTRAINT "preview_image_pkey" PRIMARY KEY ("preview_id","mode","seed","attempt")
);

-- CreateTable
CREATE TABLE "distillation" (
    "id" UUID NOT NULL,
    "repo_id" UUID NOT NULL,
    "user_id" TEXT,
    "base_commit_id" TEXT,
    "result_commit_id" TEXT,
    "recipe" JSONB NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "step" INTEGER NOT NULL DEFAULT 0,
    "steps" INTEGER NOT NULL,
    "checkpoint_key" TEXT,
    "problem" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "distillation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "distillation_metric" (
    "distillation_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "distillation_metric_pkey" PRIMARY KEY ("distillation_id","name","step")
);

-- CreateTable
CREATE TABLE "job_event" (
    "id" BIGSERIAL NOT NULL,
    "subject" "job_subject" NOT NULL,
    "subject_id" UUID NOT NULL,
    "job_id" UUID,
    "attempt" INTEGER NOT NULL,
    "kind" "job_event_kind" NOT NULL,
    "message" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "job_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor_id" TEXT,
    "apikey_id" TEXT,
    "action" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook" (
    "id" UUID NOT NULL,
    "namespace_id" UUID NOT NULL,
    "repo_id" UUID,
    "url" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "events" "webhook_event"[],
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "download_day" (
    "repo_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "download_day_pkey" PRIMARY KEY ("repo_id","day")
);

-- CreateTable
CREATE TABLE "download_seen" (
    "repo_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "visitor" TEXT NOT NULL,

    CONSTRAINT "download_seen_pkey" PRIMARY KEY ("repo_id","day","visitor")
);

-- CreateTable
CREATE TABLE "repo" (
    "id" UUID NOT NULL,
    "namespace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "name_key" TEXT NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    "kind" "repo_kind" NOT NULL,
    "visibility" "visibility" NOT NULL,
    "base_id" UUID,
    "default_branch" TEXT NOT NULL DEFAULT 'main',
    "summary" TEXT NOT NULL DEFAULT '',
    "license" TEXT,
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "card" JSONB NOT NULL DEFAULT '{}',
    "downloads" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "repo_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "commit" (
    "id" TEXT NOT NULL,
    "repo_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "parent_id" TEXT,
    "author_id" TEXT,
    "title" TEXT NOT NULL,
    "message" TEXT NOT NULL DEFAULT '',
    "file_count" INTEGER NOT NULL,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "commit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "commit_file" (
    "commit_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "blob_sha256" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "lfs" BOOLEAN NOT NULL,

    CONSTRAINT "commit_file_pkey" PRIMARY KEY ("commit_id","path")
);

-- CreateTable
CREATE TABLE "ref" (
    "repo_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "ref_kind" NOT NULL,
    "commit_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ref_pkey" PRIMARY KEY ("repo_id","name")
);

-- CreateIndex
CREATE UNIQUE INDEX "app_user_email_key" ON "app_user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "session_token_key" ON "session"("token");

-- CreateIndex
CREATE INDEX "session_user_id_idx" ON "session"("user_id");

-- CreateIndex
CREATE INDEX "session_expires_at_idx" ON "session"("expires_at");

-- CreateIndex
CREATE INDEX "account_user_id_idx" ON "account"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "account_provider_id_account_id_key" ON "account"("provider_id", "account_id");

-- CreateIndex
CREATE INDEX "verification_identifier_idx" ON "verification"("identifier");

-- CreateIndex
CREATE INDEX "verification_expires_at_idx" ON "verification"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "apikey_key_key" ON "apikey"("key");

-- CreateIndex
CREATE INDEX "apikey_config_id_idx" ON "apikey"("config_id");

-- CreateIndex
CREATE INDEX "apikey_reference_id_idx" ON "apikey"("reference_id");

-- CreateIndex
CREATE UNIQUE INDEX "namespace_name_key_key" ON "namespace"("name_key");

-- CreateIndex
CREATE UNIQUE INDEX "namespace_user_id_key" ON "namespace"("user_id");

-- CreateIndex
CREATE INDEX "member_user_id_idx" ON "member"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "blob_storage_key_key" ON "blob"("storage_key");

-- CreateIndex
CREATE UNIQUE INDEX "blob_sha256_size_key" ON "blob"("sha256", "size");

-- CreateIndex
CREATE INDEX "blob_hash_value_idx" ON "blob_hash"("value");

-- CreateIndex
CREATE UNIQUE INDEX "upload_storage_key_key" ON "upload"("storage_key");

-- CreateIndex
CREATE INDEX "upload_repo_id_state_idx" ON "upload"("repo_id", "state");

-- CreateIndex
CREATE INDEX "upload_blob_sha256_idx" ON "upload"("blob_sha256");

-- CreateIndex
CREATE UNIQUE INDEX "upload_user_id_idempotency_key_key" ON "upload"("user_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "inspection_contract_idx" ON "inspection"("contract");

-- CreateIndex
CREATE INDEX "inspection_weights_sha256_idx" ON "inspection"("weights_sha256");

-- CreateIndex
CREATE UNIQUE INDEX "inspection_commit_id_tool_version_key" ON "inspection"("commit_id", "tool_version");

-- CreateIndex
CREATE INDEX "pair_guide_weights_sha256_idx" ON "pair"("guide_weights_sha256");

-- CreateIndex
CREATE INDEX "pair_finetune_commit_id_idx" ON "pair"("finetune_commit_id");

-- CreateIndex
CREATE INDEX "pair_guide_commit_id_idx" ON "pair"("guide_commit_id");

-- CreateIndex
CREATE UNIQUE INDEX "pair_finetune_weights_sha256_guide_weights_sha256_protocol__key" ON "pair"("finetune_weights_sha256", "guide_weights_sha256", "protocol", "runtime");

-- CreateIndex
CREATE UNIQUE INDEX "measurement_pair_id_level_attempt_key" ON "measurement"("pair_id", "level", "attempt");

-- CreateIndex
CREATE INDEX "preview_user_id_created_at_idx" ON "preview"("user_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "preview_finetune_commit_id_idx" ON "preview"("finetune_commit_id");

-- CreateIndex
CREATE INDEX "preview_guide_commit_id_idx" ON "preview"("guide_commit_id");

-- CreateIndex
CREATE INDEX "preview_image_blob_sha256_idx" ON "preview_image"("blob_sha256");

-- CreateIndex
CREATE INDEX "distillation_repo_id_idx" ON "distillation"("repo_id");

-- CreateIndex
CREATE INDEX "distillation_user_id_idx" ON "distillation"("user_id");

-- CreateIndex
CREATE INDEX "distillation_base_commit_id_idx" ON "distillation"("base_commit_id");

-- CreateIndex
CREATE INDEX "distillation_result_commit_id_idx" ON "distillation"("result_commit_id");

-- CreateIndex
CREATE INDEX "job_event_subject_id_id_idx" ON "job_event"("subject_id", "id");

-- CreateIndex
CREATE INDEX "job_event_at_idx" ON "job_event"("at");

-- CreateIndex
CREATE INDEX "audit_event_actor_id_id_idx" ON "audit_event"("actor_id", "id");

-- CreateIndex
CREATE INDEX "audit_event_subject_id_id_idx" ON "audit_event"("subject_id", "id");

-- CreateIndex
CREATE INDEX "webhook_namespace_id_idx" ON "webhook"("namespace_id");

-- CreateIndex
CREATE INDEX "webhook_repo_id_idx" ON "webhook"("repo_id");

-- CreateIndex
CREATE INDEX "webhook_created_by_id_idx" ON "webhook"("created_by_id");

-- CreateIndex
CREATE INDEX "download_day_day_idx" ON "download_day"("day");

-- CreateIndex
CREATE INDEX "download_seen_day_idx" ON "download_seen"("day");

-- CreateIndex
CREATE INDEX "repo_namespace_id_idx" ON "repo"("namespace_id");

-- CreateIndex
CREATE INDEX "repo_base_id_idx" ON "repo"("base_id");

-- CreateIndex
CREATE INDEX "repo_tags_idx" ON "repo" USING GIN ("tags");

-- CreateIndex
CREATE INDEX "commit_author_id_idx" ON "commit"("author_id");

-- CreateIndex
CREATE UNIQUE INDEX "commit_repo_id_id_key" ON "commit"("repo_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "commit_repo_id_sequence_key" ON "commit"("repo_id", "sequence");

-- CreateIndex
CREATE INDEX "commit_file_blob_sha256_idx" ON "commit_file"("blob_sha256");

-- CreateIndex
CREATE INDEX "ref_commit_id_idx" ON "ref"("commit_id");

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "account" ADD CONSTRAINT "account_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "apikey" ADD CONSTRAINT "apikey_reference_id_fkey" FOREIGN KEY ("reference_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "namespace" ADD CONSTRAINT "namespace_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_namespace_id_fkey" FOREIGN KEY ("namespace_id") REFERENCES "namespace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "member" ADD CONSTRAINT "member_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "blob_hash" ADD CONSTRAINT "blob_hash_blob_sha256_fkey" FOREIGN KEY ("blob_sha256") REFERENCES "blob"("sha256") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "upload" ADD CONSTRAINT "upload_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "upload" ADD CONSTRAINT "upload_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "upload" ADD CONSTRAINT "upload_blob_sha256_fkey" FOREIGN KEY ("blob_sha256") REFERENCES "blob"("sha256") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "upload_part" ADD CONSTRAINT "upload_part_upload_id_fkey" FOREIGN KEY ("upload_id") REFERENCES "upload"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inspection" ADD CONSTRAINT "inspection_commit_id_fkey" FOREIGN KEY ("commit_id") REFERENCES "commit"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pair" ADD CONSTRAINT "pair_finetune_commit_id_fkey" FOREIGN KEY ("finetune_commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pair" ADD CONSTRAINT "pair_guide_commit_id_fkey" FOREIGN KEY ("guide_commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "measurement" ADD CONSTRAINT "measurement_pair_id_fkey" FOREIGN KEY ("pair_id") REFERENCES "pair"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview" ADD CONSTRAINT "preview_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview" ADD CONSTRAINT "preview_finetune_commit_id_fkey" FOREIGN KEY ("finetune_commit_id") REFERENCES "commit"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview" ADD CONSTRAINT "preview_guide_commit_id_fkey" FOREIGN KEY ("guide_commit_id") REFERENCES "commit"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview_image" ADD CONSTRAINT "preview_image_preview_id_fkey" FOREIGN KEY ("preview_id") REFERENCES "preview"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "preview_image" ADD CONSTRAINT "preview_image_blob_sha256_fkey" FOREIGN KEY ("blob_sha256") REFERENCES "blob"("sha256") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "distillation" ADD CONSTRAINT "distillation_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "distillation" ADD CONSTRAINT "distillation_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "distillation" ADD CONSTRAINT "distillation_base_commit_id_fkey" FOREIGN KEY ("base_commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "distillation" ADD CONSTRAINT "distillation_result_commit_id_fkey" FOREIGN KEY ("result_commit_id") REFERENCES "commit"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "distillation_metric" ADD CONSTRAINT "distillation_metric_distillation_id_fkey" FOREIGN KEY ("distillation_id") REFERENCES "distillation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook" ADD CONSTRAINT "webhook_namespace_id_fkey" FOREIGN KEY ("namespace_id") REFERENCES "namespace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook" ADD CONSTRAINT "webhook_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook" ADD CONSTRAINT "webhook_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "app_user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "download_day" ADD CONSTRAINT "download_day_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "download_seen" ADD CONSTRAINT "download_seen_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "repo" ADD CONSTRAINT "repo_namespace_id_fkey" FOREIGN KEY ("namespace_id") REFERENCES "namespace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "repo" ADD CONSTRAINT "repo_base_id_fkey" FOREIGN KEY ("base_id") REFERENCES "repo"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commit" ADD CONSTRAINT "commit_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commit" ADD CONSTRAINT "commit_repo_id_parent_id_fkey" FOREIGN KEY ("repo_id", "parent_id") REFERENCES "commit"("repo_id", "id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commit" ADD CONSTRAINT "commit_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "app_user"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commit_file" ADD CONSTRAINT "commit_file_commit_id_fkey" FOREIGN KEY ("commit_id") REFERENCES "commit"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commit_file" ADD CONSTRAINT "commit_file_blob_sha256_size_fkey" FOREIGN KEY ("blob_sha256", "size") REFERENCES "blob"("sha256", "size") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ref" ADD CONSTRAINT "ref_repo_id_fkey" FOREIGN KEY ("repo_id") REFERENCES "repo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ref" ADD CONSTRAINT "ref_repo_id_commit_id_fkey" FOREIGN KEY ("repo_id", "commit_id") REFERENCES "commit"("repo_id", "id") ON DELETE NO ACTION ON UPDATE CASCADE;

