-- Collections with whose queries what is stored is still to be compared: all up to the object `through` is done. `held` is
-- how what has no TLP marking was held when it was compared before; empty: it never was.

CREATE TABLE matching (
    collection BIGINT NOT NULL,
    held TEXT NOT NULL,
    through BIGINT NOT NULL,
    PRIMARY KEY (collection, held)
);
