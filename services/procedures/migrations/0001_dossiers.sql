-- Dossiers and what hangs on them. Times: microseconds UTC. Columns named *_sealed hold personal data, sealed.
CREATE TABLE dossiers (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7: orders by time of filing
  code TEXT NOT NULL UNIQUE,
  revision BIGINT NOT NULL,
  procedure TEXT NOT NULL,
  procedure_version BIGINT NOT NULL,
  channel SMALLINT NOT NULL,
  filer_person TEXT NOT NULL,
  filer_account TEXT NOT NULL,
  filer_sealed BLOB NOT NULL,                -- identity's Person as it was at filing
  content_sealed BLOB NOT NULL,              -- form and subjects
  assisting_officer TEXT NOT NULL,
  receiving_agency TEXT NOT NULL,
  deciding_agency TEXT NOT NULL,
  unit TEXT NOT NULL,
  agency_name TEXT NOT NULL,
  unit_name TEXT NOT NULL,
  external_ids TEXT NOT NULL,                -- JSON
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 10),
  step SMALLINT NOT NULL,
  step_since BIGINT NOT NULL,
  resume_state SMALLINT NOT NULL,
  charge_due SMALLINT NOT NULL,
  charge_paid SMALLINT NOT NULL,
  charge TEXT NOT NULL,
  charge_vnd BIGINT NOT NULL,
  processed_by TEXT NOT NULL,                -- JSON list of officers
  submitted_at BIGINT NOT NULL,
  accepted_at BIGINT,
  waiting_since BIGINT,
  finished_at BIGINT,
  due_date TEXT NOT NULL,                    -- "2026-03-06" or ''
  late_from BIGINT,                          -- first instant after the due day
  waited_minutes BIGINT NOT NULL,
  waited_elapsed BIGINT NOT NULL,
  resumed_at BIGINT,
  tracking_hash TEXT,                        -- SHA-256 of the receipt's token
  tracking_sealed BLOB,
  reason_sealed BLOB,
  stars SMALLINT NOT NULL,
  comment_sealed BLOB,
  rated_at BIGINT
);
CREATE INDEX dossiers_by_filer ON dossiers (filer_person, id);
CREATE INDEX dossiers_by_agency ON dossiers (receiving_agency, id);
CREATE INDEX dossiers_by_agency_state ON dossiers (receiving_agency, state, id);
CREATE UNIQUE INDEX dossiers_by_tracking ON dossiers (tracking_hash);
CREATE INDEX dossiers_by_charge ON dossiers (charge);

-- What happened, in order; never changed.
CREATE TABLE timeline (
  dossier TEXT NOT NULL REFERENCES dossiers (id),
  position BIGINT NOT NULL,
  at BIGINT NOT NULL,
  event TEXT NOT NULL,
  from_state SMALLINT NOT NULL,
  to_state SMALLINT NOT NULL,
  from_step SMALLINT NOT NULL,
  to_step SMALLINT NOT NULL,
  actor_kind SMALLINT NOT NULL,
  actor TEXT NOT NULL,
  actor_role TEXT NOT NULL,
  note_sealed BLOB,
  pause_from BIGINT,
  pause_to BIGINT,
  PRIMARY KEY (dossier, position)
);

-- Uploaded files: the bytes lie in the blob store, sealed with a key of their own.
CREATE TABLE attachments (
  id TEXT NOT NULL PRIMARY KEY,
  owner_account TEXT NOT NULL,
  owner_person TEXT NOT NULL,
  dossier TEXT REFERENCES dossiers (id),     -- NULL: not used yet
  kind SMALLINT NOT NULL,                    -- 0 not used, 1 paper, 2 result
  position BIGINT NOT NULL,
  file_name_sealed BLOB NOT NULL,
  blob TEXT NOT NULL UNIQUE,                 -- id in the blob store
  content_type TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX attachments_by_dossier ON attachments (dossier, kind, position);
CREATE INDEX attachments_unused ON attachments (owner_account, created_at) WHERE dossier IS NULL;

-- Dossier numbers: per agency and day of filing in Vietnam.
CREATE TABLE dossier_numbers (
  agency_code TEXT NOT NULL,
  day BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (agency_code, day)
);
