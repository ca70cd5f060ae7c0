-- How long workers computed for each person, by the hour: of what they asked for themselves. Kept apart from jobs, which are begun anew and
-- forget how long they took.

CREATE TABLE device_hour (
  user_id text NOT NULL,
  hour timestamptz(3) NOT NULL,
  seconds double precision NOT NULL,
  CONSTRAINT device_hour_pkey PRIMARY KEY (user_id, hour),
  CONSTRAINT device_hour_user_id_fkey FOREIGN KEY (user_id) REFERENCES app_user (id) ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT device_hour_not_negative CHECK (seconds >= 0)
);
CREATE INDEX device_hour_hour_idx ON device_hour (hour);

CREATE FUNCTION count_device_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO device_hour (user_id, hour, seconds)
  VALUES (OLD.user_id, date_trunc('hour', now()), greatest(0, extract(epoch FROM clock_timestamp() - OLD.started_at)))
  ON CONFLICT (user_id, hour) DO UPDATE SET seconds = device_hour.seconds + excluded.seconds;
  RETURN NULL;
END $$;
-- 100: what somebody waits for (lib/queue/jobs.ts). Work that follows from a commit is given round by turns, and charged to nobody.
CREATE TRIGGER count_device_time AFTER UPDATE OF state ON job FOR EACH ROW
  WHEN (OLD.state = 'running' AND NEW.state <> 'running' AND OLD.resource = 'compute' AND OLD.priority >= 100 AND OLD.user_id IS NOT NULL AND OLD.started_at IS NOT NULL)
  EXECUTE FUNCTION count_device_time();
