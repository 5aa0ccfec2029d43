-- What a marking means to whoever defined it: on whose word (side.rs). What was noted before nobody's word stands for; it
-- counts again when it is sent again.

DROP TABLE definitions;

CREATE TABLE definitions (
    id TEXT NOT NULL,
    side TEXT NOT NULL DEFAULT '',
    tlp TEXT,
    PRIMARY KEY (id, side)
);
