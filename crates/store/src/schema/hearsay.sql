-- What a copy said last, so that it can be understood anew when a marking is defined: when that was; how its sender holds
-- what has no marking.

ALTER TABLE copies ADD COLUMN told BIGINT;

ALTER TABLE copies ADD COLUMN held TEXT;
