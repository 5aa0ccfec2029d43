-- What is kept apart is little, and is listed.

CREATE INDEX objects_apart ON objects (seq) WHERE standing = 1;
