-- What the web process found the bytes of an upload to be while its parts came.
ALTER TABLE upload ADD COLUMN digest jsonb;
