-- What is measured with something is followed in the order of ids, a piece at a time: of a popular guide there are tens of thousands.
CREATE INDEX "pair_guide_weights_sha256_id_idx" ON "pair"("guide_weights_sha256", "id");
CREATE INDEX "pair_unit_hash_id_idx" ON "pair"("unit_hash", "id");
DROP INDEX "pair_unit_id_idx";
CREATE INDEX "pair_unit_id_id_idx" ON "pair"("unit_id", "id");
DROP INDEX "pair_judge_commit_id_idx";
CREATE INDEX "pair_judge_commit_id_id_idx" ON "pair"("judge_commit_id", "id");
