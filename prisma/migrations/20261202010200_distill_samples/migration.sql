-- Pictures that a guide draws while it is made, and those of CFG beside them, which stand at step 0.
CREATE TABLE distillation_sample (
  distillation_id UUID NOT NULL REFERENCES distillation (id) ON DELETE CASCADE ON UPDATE CASCADE,
  step INTEGER NOT NULL,
  position INTEGER NOT NULL,
  mode "preview_mode" NOT NULL,
  prompt TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  storage_key TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  CONSTRAINT distillation_sample_pkey PRIMARY KEY (distillation_id, step, position, mode),
  CONSTRAINT distillation_sample_numbers_not_negative CHECK (step >= 0 AND position >= 0 AND width > 0 AND height > 0 AND size > 0)
);
CREATE UNIQUE INDEX distillation_sample_storage_key_key ON distillation_sample (storage_key);
