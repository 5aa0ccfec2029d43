-- What can be made again from the objects. A change here needs no migration: the tables are dropped and filled anew.

CREATE TABLE derived.state (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

-- From the digest of an id to its versions.
CREATE TABLE derived.ids (
    id_hash BIGINT NOT NULL,
    object BIGINT NOT NULL,
    PRIMARY KEY (id_hash, object)
) /*sqlite WITHOUT ROWID*/;

-- What is found by a search: of each id the newest version in force, and those `older` ones that somebody may see who may
-- not see a newer one. `number` grows with each change. Values are found
-- by marks among the words (words.rs): an index over them alone would cost a page for each new one.
CREATE TABLE derived.documents (
    number /*sqlite INTEGER*/ /*postgres BIGINT*/ PRIMARY KEY,
    object BIGINT NOT NULL UNIQUE,
    lane BIGINT NOT NULL,
    source BIGINT NOT NULL,
    received BIGINT NOT NULL,
    valid_until BIGINT,
    older SMALLINT NOT NULL
    /*postgres , words TEXT NOT NULL, vector TSVECTOR
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED*/
);

-- Who names whom.
CREATE TABLE derived.edges (
    target BIGINT NOT NULL,
    object BIGINT NOT NULL,
    PRIMARY KEY (target, object)
) /*sqlite WITHOUT ROWID*/;

/*sqlite CREATE VIRTUAL TABLE derived.words USING fts5(text, content='', detail=none, columnsize=0)*/
/*postgres CREATE INDEX documents_words ON derived.documents USING gin (vector)*/;

-- Fewer, larger merges: a search looks into more segments, and what comes is written anew less often.
/*sqlite INSERT INTO derived.words (words, rank) VALUES ('automerge', 8)*/;
