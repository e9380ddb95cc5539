-- The map as loaded. One row for each span of validity of a code; days since 1970-01-01, NULL for an open end.
CREATE TABLE units (
  code TEXT NOT NULL,
  ordinal BIGINT NOT NULL,  -- spans of a code in the order of time
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  level SMALLINT NOT NULL CHECK (level BETWEEN 1 AND 4),
  parent TEXT NOT NULL,
  from_day BIGINT,
  to_day BIGINT,
  PRIMARY KEY (code, ordinal)
);
CREATE TABLE successions (
  code TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  position BIGINT NOT NULL,
  successor TEXT NOT NULL,
  from_day BIGINT NOT NULL,
  PRIMARY KEY (code, ordinal, position)
);
CREATE TABLE agencies (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind SMALLINT NOT NULL,
  unit TEXT NOT NULL,
  dossier_prefix TEXT NOT NULL,
  address TEXT NOT NULL,
  phone TEXT NOT NULL,
  from_day BIGINT,
  to_day BIGINT
);
-- Hash of the file the map was loaded from: a second start with the same file writes nothing.
CREATE TABLE map_source (
  id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
  sha256 TEXT NOT NULL,
  loaded_at BIGINT NOT NULL
);
