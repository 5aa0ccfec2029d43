-- What was done, in a chain (audit/mod.rs). A file of its own in SQLite, so that no reader waits for who takes in.
CREATE TABLE IF NOT EXISTS audit (
    number /*sqlite INTEGER*/ /*postgres BIGINT*/ PRIMARY KEY,
    body TEXT NOT NULL,
    signature BYTEA NOT NULL
);
