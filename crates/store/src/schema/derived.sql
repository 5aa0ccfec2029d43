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

-- What is found by a search: the newest version in force of each id. `number` grows with each change.
CREATE TABLE derived.documents (
    number /*sqlite INTEGER*/ /*postgres BIGINT*/ PRIMARY KEY,
    object BIGINT NOT NULL UNIQUE,
    lane BIGINT NOT NULL,
    source BIGINT NOT NULL,
    received BIGINT NOT NULL,
    valid_until BIGINT
    /*postgres , words TEXT NOT NULL, vector TSVECTOR
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED*/
);

-- Indicators and observables by value.
CREATE TABLE derived.observables (
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    object BIGINT NOT NULL,
    PRIMARY KEY (value, kind, object)
) /*sqlite WITHOUT ROWID*/;

-- Who names whom.
CREATE TABLE derived.edges (
    target BIGINT NOT NULL,
    object BIGINT NOT NULL,
    PRIMARY KEY (target, object)
) /*sqlite WITHOUT ROWID*/;

/*sqlite CREATE VIRTUAL TABLE derived.words USING fts5(text, content='', detail=none, columnsize=0)*/
/*postgres CREATE INDEX documents_words ON derived.documents USING gin (vector)*/;
