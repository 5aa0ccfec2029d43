-- What is kept of what came in, and who is who. Everything that can be made again from it is in derived.sql.
-- One text for SQLite and PostgreSQL; what only one takes stands in a comment with its name (see sql.rs).

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    is_client SMALLINT NOT NULL,
    in_community SMALLINT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE sharing_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL
);

CREATE TABLE group_members (
    sharing_group TEXT NOT NULL,
    organisation TEXT NOT NULL,
    PRIMARY KEY (sharing_group, organisation)
);

-- Organisations and people that were removed: should one come back, it is not taken for one that has read nothing yet.
CREATE TABLE former_parties (
    id TEXT PRIMARY KEY
);

-- People of our own organisation and of others. Without a pass-phrase one can have tokens only.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    organisation TEXT NOT NULL,
    role TEXT NOT NULL,
    pass_phrase TEXT,
    reads_red SMALLINT NOT NULL,
    is_disabled SMALLINT NOT NULL,
    created BIGINT NOT NULL
);

-- Keys of programs. `digest` is the SHA-256 of the whole token, in hexadecimal; `scope` words with blanks between them.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    person TEXT,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    used BIGINT,
    revoked BIGINT
);

-- By which certificates partners are known: the SHA-256 of the certificate, in hexadecimal.
CREATE TABLE certificates (
    fingerprint TEXT PRIMARY KEY,
    organisation TEXT NOT NULL,
    name TEXT NOT NULL,
    added BIGINT NOT NULL,
    valid_until BIGINT,
    revoked BIGINT
);

-- Who is logged in. `digest` is the SHA-256 of what the cookie says, in hexadecimal.
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT NOT NULL
);

-- From whom something came: a partner's node, a feed, an import, ourselves.
CREATE TABLE sources (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    organisation TEXT,
    grade TEXT NOT NULL,
    ceiling TEXT NOT NULL,
    tlp TEXT,
    created BIGINT NOT NULL
);

-- Under what objects are held: each distinct one once, as JSON.
CREATE TABLE terms (
    id BIGINT PRIMARY KEY,
    body TEXT NOT NULL UNIQUE
);

-- The terms of an object, first, and of all that it names: `1 4 7`.
CREATE TABLE classes (
    id BIGINT PRIMARY KEY,
    terms TEXT NOT NULL UNIQUE
);

-- What objects of a collection have in common, so that a page touches no other: class, type, version of STIX.
CREATE TABLE lanes (
    id BIGINT PRIMARY KEY,
    class BIGINT NOT NULL,
    type TEXT NOT NULL,
    spec TEXT NOT NULL,
    UNIQUE (class, type, spec)
);

-- One row a version that came in, in the order of arrival. `standing`: see object.rs.
CREATE TABLE objects (
    seq /*sqlite INTEGER*/ /*postgres BIGINT*/ PRIMARY KEY,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    version_text TEXT,
    lane BIGINT NOT NULL,
    source BIGINT NOT NULL,
    received BIGINT NOT NULL,
    standing SMALLINT NOT NULL,
    digest BIGINT NOT NULL,
    held TEXT,
    raw BYTEA NOT NULL
);

-- What marking definitions say of TLP, by id.
CREATE TABLE definitions (
    id TEXT PRIMARY KEY,
    tlp TEXT
);

-- The same version from others than the first who brought it.
CREATE TABLE copies (
    object BIGINT NOT NULL,
    source BIGINT NOT NULL,
    received BIGINT NOT NULL,
    terms BIGINT NOT NULL,
    PRIMARY KEY (object, source)
) /*sqlite WITHOUT ROWID*/;

-- Objects that name an id which nobody has sent yet.
CREATE TABLE dangling (
    target BIGINT NOT NULL,
    object BIGINT NOT NULL,
    PRIMARY KEY (target, object)
) /*sqlite WITHOUT ROWID*/;

-- Objects whose derived rows must be made again.
CREATE TABLE touched (
    object BIGINT PRIMARY KEY
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE collections (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    alias TEXT UNIQUE,
    title TEXT NOT NULL,
    description TEXT,
    query TEXT,
    position BIGINT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE grants (
    collection BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    may_read SMALLINT NOT NULL,
    may_write SMALLINT NOT NULL,
    PRIMARY KEY (collection, organisation)
);

-- What stands in a collection. `position` is the `date_added` of TAXII, in microseconds.
CREATE TABLE members (
    collection BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    position BIGINT NOT NULL,
    object BIGINT NOT NULL,
    siblings SMALLINT NOT NULL,
    PRIMARY KEY (collection, lane, position)
) /*sqlite WITHOUT ROWID*/;

CREATE UNIQUE INDEX members_object ON members (object, collection);

CREATE TABLE collection_lanes (
    collection BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    PRIMARY KEY (collection, lane)
);

-- What became of what was sent to a collection: the status resources of TAXII.
CREATE TABLE statuses (
    id TEXT PRIMARY KEY,
    organisation TEXT,
    created BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX statuses_created ON statuses (created);
