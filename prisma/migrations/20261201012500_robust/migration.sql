-- What reaches far is followed in pieces: so far this one has been, in the order of the pairs' ids. Null: not begun.
ALTER TABLE facet_due ADD COLUMN after UUID;
