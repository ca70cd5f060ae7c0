-- What prompts and noise are drawn from. Pairs of earlier protocols keep what they have, and name no period.
CREATE TABLE "measuring_period" (
    "number" INTEGER NOT NULL,
    "committed_at" TIMESTAMPTZ(3) NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "commitment" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "told_at" TIMESTAMPTZ(3),
    CONSTRAINT "measuring_period_pkey" PRIMARY KEY ("number")
);
CREATE INDEX "measuring_period_ends_at_idx" ON "measuring_period"("ends_at");

-- What was promised does not change, and what is kept is what was promised.
ALTER TABLE measuring_period ADD CONSTRAINT measuring_period_keeps_its_promise
  CHECK (secret ~ '^[0-9a-f]{64}$' AND encode(sha256(decode(secret, 'hex')), 'hex') = commitment);
CREATE FUNCTION promise_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refuse('promise_stays', 'what a period draws was promised and does not change');
END $$;
CREATE TRIGGER promise_stays BEFORE UPDATE ON measuring_period FOR EACH ROW
  WHEN ((NEW.number, NEW.commitment, NEW.secret, NEW.starts_at, NEW.committed_at) IS DISTINCT FROM (OLD.number, OLD.commitment, OLD.secret, OLD.starts_at, OLD.committed_at)
    OR OLD.told_at IS NOT NULL) EXECUTE FUNCTION promise_stays();

CREATE TABLE "guide_try" (
    "unit_hash" TEXT NOT NULL,
    "guide_weights_sha256" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "period" INTEGER NOT NULL,
    "person_id" TEXT,
    "namespace_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "guide_try_pkey" PRIMARY KEY ("unit_hash","guide_weights_sha256")
);
CREATE INDEX "guide_try_unit_hash_namespace_id_idx" ON "guide_try"("unit_hash", "namespace_id");
CREATE INDEX "guide_try_unit_hash_person_id_idx" ON "guide_try"("unit_hash", "person_id");
CREATE INDEX "guide_try_period_idx" ON "guide_try"("period");
ALTER TABLE "guide_try" ADD CONSTRAINT "guide_try_period_fkey" FOREIGN KEY ("period") REFERENCES "measuring_period"("number") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE guide_try ADD CONSTRAINT guide_try_counts_from_one CHECK (number >= 1);

ALTER TABLE "pair" ADD COLUMN "period" INTEGER, ADD COLUMN "tries" INTEGER NOT NULL DEFAULT 1, ADD COLUMN "is_rerun" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX pair_of_reruns ON pair (measured_at) WHERE is_rerun;
CREATE INDEX "pair_period_idx" ON "pair"("period");
ALTER TABLE "pair" ADD CONSTRAINT "pair_period_fkey" FOREIGN KEY ("period") REFERENCES "measuring_period"("number") ON DELETE RESTRICT ON UPDATE CASCADE;
