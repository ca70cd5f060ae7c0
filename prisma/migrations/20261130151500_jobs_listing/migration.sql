-- What the hub as a whole does now and then, whichever of its workers does it: when that was done last.
CREATE TABLE "hub_clock" (
    "what" TEXT NOT NULL,
    "done_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "hub_clock_pkey" PRIMARY KEY ("what")
);
