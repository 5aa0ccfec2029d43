-- What a copy said last, so that it can be understood anew when a marking is defined: when that was; how its sender holds
-- what has no marking; which markings it has, where they may differ from those of the object.

ALTER TABLE copies ADD COLUMN told BIGINT;

ALTER TABLE copies ADD COLUMN held TEXT;

ALTER TABLE copies ADD COLUMN said TEXT;
