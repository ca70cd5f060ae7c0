-- A seed has 64 bits without a sign, up to 2^64 - 1, which an int8 cannot hold.

ALTER TABLE preview_image
  ALTER COLUMN seed TYPE NUMERIC(20, 0),
  ADD CONSTRAINT preview_image_seed_has_64_bits CHECK (seed BETWEEN 0 AND 18446744073709551615);
