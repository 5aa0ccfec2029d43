-- Those from whom this node fetches, and to whom it sends. `id` is never given twice. `settings` and the state are JSON;
-- `secret` is sealed with the key of the node (peers/seal.rs).

CREATE TABLE peers (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    source BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE peer_states (
    peer BIGINT PRIMARY KEY,
    state TEXT NOT NULL
);

-- How far each of its collections was read, as exchange gives it.
CREATE TABLE peer_cursors (
    peer BIGINT NOT NULL,
    remote TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (peer, remote)
)
