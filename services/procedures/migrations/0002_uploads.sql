-- Uploads that can be resumed. Times: microseconds UTC. Columns named *_sealed hold personal data, sealed.
CREATE TABLE uploads (
  id TEXT NOT NULL PRIMARY KEY,
  owner_account TEXT NOT NULL,
  owner_person TEXT NOT NULL,
  file_name_sealed BLOB NOT NULL,
  size_bytes BIGINT NOT NULL,                -- of the whole file, as said at the beginning
  sha256 TEXT NOT NULL,                      -- the same; '' not said
  received BIGINT NOT NULL,                  -- bytes in parts
  parts BIGINT NOT NULL,
  attachment TEXT,                           -- what it has become; NULL: open
  created_at BIGINT NOT NULL,
  touched_at BIGINT NOT NULL                 -- when bytes came last
);
CREATE INDEX uploads_open ON uploads (owner_account) WHERE attachment IS NULL;
CREATE INDEX uploads_by_touch ON uploads (touched_at);

-- What has arrived, in sealed files of the blob store, until the upload is whole.
CREATE TABLE upload_parts (
  upload TEXT NOT NULL REFERENCES uploads (id),
  start BIGINT NOT NULL,                     -- of its first byte in the whole file
  size_bytes BIGINT NOT NULL,
  blob TEXT NOT NULL UNIQUE,                 -- id in the blob store
  PRIMARY KEY (upload, start)
);
