-- The query that a collection had when it was compared before: what matched that and does not match the one that it has now
-- leaves.

ALTER TABLE matching ADD COLUMN was TEXT;
