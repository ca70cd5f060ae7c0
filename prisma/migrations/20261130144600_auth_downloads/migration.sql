-- How many downloads were counted from one network on one day, so that a loop over its addresses or accounts counts no further.
CREATE TABLE "download_network" (
    "network" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "download_network_pkey" PRIMARY KEY ("network", "day")
);
CREATE INDEX "download_network_day_idx" ON "download_network"("day");

ALTER TABLE download_network
  ADD CONSTRAINT download_network_is_hex CHECK (network ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT download_network_count_positive CHECK (count > 0);

DROP FUNCTION count_download(uuid, date, text);

-- Returns whether it was counted: once for each repo, day and visitor, and never beyond the caps of their network: `in_repo` names the
-- network at this repo, `over_all` at all of them. In this order for everybody, so that no two wait for each other.
CREATE FUNCTION count_download(of_repo uuid, on_day date, of_visitor text, in_repo text, in_repo_cap int, over_all text, over_all_cap int)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO download_seen (repo_id, day, visitor) VALUES (of_repo, on_day, of_visitor) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO download_network AS n (network, day, count) VALUES (in_repo, on_day, 1)
    ON CONFLICT (network, day) DO UPDATE SET count = n.count + 1 WHERE n.count < in_repo_cap;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO download_network AS n (network, day, count) VALUES (over_all, on_day, 1)
    ON CONFLICT (network, day) DO UPDATE SET count = n.count + 1 WHERE n.count < over_all_cap;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO download_day (repo_id, day, count) VALUES (of_repo, on_day, 1) ON CONFLICT (repo_id, day) DO UPDATE SET count = download_day.count + 1;
  UPDATE repo SET downloads = downloads + 1 WHERE id = of_repo;
  RETURN true;
END $$;
