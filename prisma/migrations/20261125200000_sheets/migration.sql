-- A sheet: the pictures that the hub itself draws for a pair that was measured, with prompts and seeds that are the same for all.

ALTER TABLE "preview" ADD COLUMN "pair_id" UUID, ADD COLUMN "sheet_index" SMALLINT;
CREATE UNIQUE INDEX "preview_pair_id_sheet_index_key" ON "preview"("pair_id", "sheet_index");
ALTER TABLE "preview" ADD CONSTRAINT "preview_pair_id_fkey" FOREIGN KEY ("pair_id") REFERENCES "pair"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE preview
  ADD CONSTRAINT preview_sheet_is_whole CHECK ((pair_id IS NULL) = (sheet_index IS NULL) AND coalesce(sheet_index, 0) BETWEEN 0 AND 99),
  ADD CONSTRAINT preview_sheet_is_kept CHECK (pair_id IS NULL OR (expires_at IS NULL AND user_id IS NULL));
