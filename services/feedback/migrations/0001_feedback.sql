-- Reports as the office and the reporter see them: never read for a public answer. Times: microseconds UTC. Columns
-- named *_sealed hold personal data, sealed; *_index are keyed blind indexes.
CREATE TABLE reports (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7: orders by time of sending; never shown
  code TEXT NOT NULL UNIQUE,                 -- random, "PA-…": what everybody calls it
  revision BIGINT NOT NULL,
  category TEXT NOT NULL,
  agency TEXT NOT NULL,
  unit TEXT NOT NULL,                        -- of the agency, of the map when it was routed
  position TEXT NOT NULL,                    -- role that answers
  above_agency TEXT NOT NULL,                -- whom it was escalated to, '' nobody
  above_unit TEXT NOT NULL,
  escalation SMALLINT NOT NULL,
  bypass_officer TEXT NOT NULL,              -- about staff: who must not see it, '' nobody
  bypass_unit TEXT NOT NULL,
  reporter_account TEXT NOT NULL,            -- '' without a login
  reporter_person TEXT NOT NULL,
  contact_index BLOB,                        -- phone of a reporter without a login, or of who called
  contact_sealed BLOB,                       -- feedback.v1.Reporter
  filed_by TEXT NOT NULL,                    -- officer, or "open311:<key>"
  content_sealed BLOB NOT NULL,              -- feedback.v1.Report with description, place and answers; about whom
  public_text_sealed BLOB,                   -- what a moderator wrote instead of the description
  anonymous SMALLINT NOT NULL,
  asked_public SMALLINT NOT NULL,
  moderation SMALLINT NOT NULL,
  hidden SMALLINT NOT NULL,
  flags BIGINT NOT NULL,                     -- bit n: feedback.v1.Report.Flag n
  joined BIGINT NOT NULL,
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 8),
  resume_state SMALLINT NOT NULL,
  assignee TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  first_answered_at BIGINT,
  answered_at BIGINT,
  finished_at BIGINT,
  waiting_since BIGINT,
  waited_minutes BIGINT NOT NULL,
  reopened BIGINT NOT NULL,
  stars SMALLINT NOT NULL,
  comment_sealed BLOB,
  due_at BIGINT,                             -- NULL while waiting
  next_step_at BIGINT,                       -- when the clock has something to do; NULL never
  close_at BIGINT,
  first_public_at BIGINT NOT NULL,
  tracking_hash TEXT,                        -- SHA-256 of the token of a reporter without a login
  target_index BLOB                          -- the house or officer it is about
);
CREATE INDEX reports_by_office ON reports (agency, unit, id);
CREATE INDEX reports_by_office_state ON reports (agency, unit, state, id);
CREATE INDEX reports_by_above ON reports (above_agency, above_unit, id) WHERE above_agency <> '';
CREATE INDEX reports_by_assignee ON reports (assignee, id) WHERE assignee <> '';
CREATE INDEX reports_by_reporter ON reports (reporter_account, id) WHERE reporter_account <> '';
CREATE INDEX reports_by_target ON reports (target_index, id) WHERE target_index IS NOT NULL;
CREATE INDEX reports_next_step ON reports (next_step_at) WHERE next_step_at IS NOT NULL;
CREATE INDEX reports_close ON reports (close_at) WHERE close_at IS NOT NULL;
CREATE UNIQUE INDEX reports_by_tracking ON reports (tracking_hash) WHERE tracking_hash IS NOT NULL;

-- What happened and what was said, in order. Only moderation changes a line once it is written.
CREATE TABLE updates (
  report TEXT NOT NULL REFERENCES reports (id),
  position BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind SMALLINT NOT NULL,                    -- feedback.v1.Update.Kind
  event TEXT NOT NULL,
  from_state SMALLINT NOT NULL,
  to_state SMALLINT NOT NULL,
  actor_kind SMALLINT NOT NULL,              -- feedback.v1.Update.Actor
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,                  -- "Công chức chuyên môn, UBND xã Hoằng Hóa"; never a person's name
  text_sealed BLOB,
  public_text_sealed BLOB,                   -- what a moderator wrote instead
  moderation SMALLINT NOT NULL,
  pause_from BIGINT,
  pause_to BIGINT,
  PRIMARY KEY (report, position)
);

-- Photos: the bytes lie in the blob store.
CREATE TABLE photos (
  id TEXT NOT NULL PRIMARY KEY,              -- random: carries no time
  report TEXT REFERENCES reports (id),       -- NULL: not used yet
  position BIGINT NOT NULL,
  owner TEXT NOT NULL,                       -- account, or the hexadecimal blind index of a phone
  kind SMALLINT NOT NULL,                    -- feedback.v1.Photo.Kind
  moderation SMALLINT NOT NULL,
  contested SMALLINT NOT NULL,               -- somebody shown asked that it be taken away: not shown until decided
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  full_blob TEXT NOT NULL,
  thumbnail_blob TEXT NOT NULL,
  shown_full_blob TEXT NOT NULL,             -- blurred, for the public; '' as taken
  shown_thumbnail_blob TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX photos_by_report ON photos (report, position) WHERE report IS NOT NULL;
CREATE INDEX photos_unused ON photos (owner, created_at) WHERE report IS NULL;
CREATE INDEX photos_unused_by_age ON photos (created_at) WHERE report IS NULL;

-- "Me too".
CREATE TABLE joins (
  report TEXT NOT NULL REFERENCES reports (id),
  who TEXT NOT NULL,                         -- account, or the hexadecimal blind index of a phone
  at BIGINT NOT NULL,
  PRIMARY KEY (report, who)
);

-- Requests of those shown or named to take something away.
CREATE TABLE removals (
  id TEXT NOT NULL PRIMARY KEY,
  report TEXT NOT NULL REFERENCES reports (id),
  photo TEXT NOT NULL,                       -- '' the text
  who TEXT NOT NULL,
  reason_sealed BLOB NOT NULL,
  at BIGINT NOT NULL,
  decided SMALLINT NOT NULL,                 -- 0 open, 1 granted, 2 refused
  decided_by TEXT NOT NULL
);
CREATE INDEX removals_by_report ON removals (report, at);

-- How often somebody did something on a day in Vietnam: limits that no restart forgets.
CREATE TABLE daily_counts (
  what TEXT NOT NULL,
  who TEXT NOT NULL,                         -- account, or the hexadecimal blind index of a phone
  day BIGINT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (what, who, day)
);
CREATE INDEX daily_counts_by_day ON daily_counts (day);

-- What waits for a moderator; a row goes when it is decided.
CREATE TABLE moderation_queue (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7
  agency TEXT NOT NULL,
  unit TEXT NOT NULL,
  kind SMALLINT NOT NULL,                    -- feedback.v1.ModerationItem.Kind
  report TEXT NOT NULL REFERENCES reports (id),
  item TEXT NOT NULL                         -- position of an update, id of a photo or request, '' the description
);
CREATE INDEX moderation_by_office ON moderation_queue (agency, unit, id);
CREATE UNIQUE INDEX moderation_by_item ON moderation_queue (report, kind, item);

-- Steps of the escalation that were done: each once a round (a round ends when the report is reopened).
CREATE TABLE steps_done (
  report TEXT NOT NULL REFERENCES reports (id),
  round BIGINT NOT NULL,
  step TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (report, round, step)
);

-- How much officers have open, and whose turn it is.
CREATE TABLE officer_load (
  officer TEXT NOT NULL PRIMARY KEY,
  open BIGINT NOT NULL
);
CREATE TABLE turns (
  agency TEXT NOT NULL,
  unit TEXT NOT NULL,
  position TEXT NOT NULL,
  officer TEXT NOT NULL,
  PRIMARY KEY (agency, unit, position)
);

-- For people: what there is for an account.
CREATE TABLE notices (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7
  account TEXT NOT NULL,
  kind SMALLINT NOT NULL,                    -- feedback.v1.Notice.Kind
  report TEXT NOT NULL,                      -- public code
  at BIGINT NOT NULL
);
CREATE INDEX notices_by_account ON notices (account, id);
CREATE TABLE follows (
  id TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  unit TEXT NOT NULL,                        -- '' a circle
  lat DOUBLE PRECISION NOT NULL,
  lng DOUBLE PRECISION NOT NULL,
  radius_m BIGINT NOT NULL,
  name_sealed BLOB,
  created_at BIGINT NOT NULL
);
CREATE INDEX follows_by_account ON follows (account, id);
CREATE INDEX follows_by_unit ON follows (unit) WHERE unit <> '';
-- Tiles of level 14 that a circle touches.
CREATE TABLE follow_tiles (
  tile BIGINT NOT NULL,                      -- Morton code at level 14
  follow TEXT NOT NULL REFERENCES follows (id),
  PRIMARY KEY (tile, follow)
);

-- Updates that came by Open311, by the id the client gave: the same one again adds nothing.
CREATE TABLE foreign_updates (
  report TEXT NOT NULL REFERENCES reports (id),
  client TEXT NOT NULL,
  update_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (report, client, update_id)
);

-- Reports whose public side is to be written anew, and from when on. The publisher empties it.
CREATE TABLE publications (
  report TEXT NOT NULL PRIMARY KEY REFERENCES reports (id),
  due_at BIGINT NOT NULL
);
CREATE INDEX publications_due ON publications (due_at);

-- The public board: everything that is public stands here and in what follows, in clear, written by the publisher only.
CREATE TABLE board_head (
  id SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
  last BIGINT NOT NULL
);
INSERT INTO board_head (id, last) VALUES (1, 0);
CREATE TABLE board_reports (
  number BIGINT NOT NULL PRIMARY KEY,        -- order of first publication
  code TEXT NOT NULL UNIQUE,
  category TEXT NOT NULL,                    -- leaf
  unit TEXT NOT NULL,
  agency TEXT NOT NULL,
  state SMALLINT NOT NULL,
  open SMALLINT NOT NULL,                    -- 1: somebody still owes an answer
  lat DOUBLE PRECISION,                      -- as shown; NULL: no point
  lng DOUBLE PRECISION,
  morton BIGINT,                             -- of the shown point, level 22
  day BIGINT NOT NULL,                       -- shown day, days since 1970-01-01 in Vietnam
  shown_at BIGINT NOT NULL,                  -- shown time: exact, or of an anonymous report the midnight of its day
  changed_at BIGINT NOT NULL,                -- shown time of the last change, likewise
  expected_at BIGINT,                        -- when an answer is due; NULL for anonymous reports
  anonymous SMALLINT NOT NULL,
  joined BIGINT NOT NULL,
  stars SMALLINT NOT NULL,
  text TEXT NOT NULL,                        -- approved, contacts masked
  place TEXT NOT NULL,                       -- village or street of a report that is not anonymous; '' else
  photos TEXT NOT NULL,                      -- JSON [[id, kind, width, height], …], approved ones
  updates TEXT NOT NULL,                     -- JSON, approved public lines with shown times
  search TEXT NOT NULL,                      -- what the text index holds of it
  published_at BIGINT NOT NULL               -- when it really came on the board: for the export's delay, never shown
);
CREATE INDEX board_by_unit ON board_reports (unit, number);
CREATE INDEX board_by_category ON board_reports (category, number);
CREATE INDEX board_by_unit_category ON board_reports (unit, category, number);
CREATE INDEX board_by_state ON board_reports (state, number);
CREATE INDEX board_by_place ON board_reports (morton) WHERE morton IS NOT NULL;
CREATE INDEX board_open_by_place ON board_reports (category, morton) WHERE open = 1 AND morton IS NOT NULL;
CREATE INDEX board_by_time ON board_reports (shown_at, number);

-- Counts for the map: kept while reports are published, never counted. `dim` names what is counted: '' all, "c:road"
-- a category of any level, "u:15865" a unit, "u:15865|c:road" both (root category), and each of the first, the root
-- categories and the units by month: "m:202611", "m:202611|c:road", "m:202611|u:15865".
CREATE TABLE board_cells (
  dim TEXT NOT NULL,
  level SMALLINT NOT NULL,                   -- of the quadtree: 11, 13, 15, 17
  cell BIGINT NOT NULL,                      -- Morton code at that level
  open BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  PRIMARY KEY (dim, level, cell)
);

-- How units do: counts by day of receipt in Vietnam (days since 1970-01-01), by root category.
CREATE TABLE indicators (
  unit TEXT NOT NULL,
  category TEXT NOT NULL,
  day BIGINT NOT NULL,
  received BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  on_time BIGINT NOT NULL,
  overdue BIGINT NOT NULL,
  resolved BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  reopened BIGINT NOT NULL,
  stars1 BIGINT NOT NULL,
  stars2 BIGINT NOT NULL,
  stars3 BIGINT NOT NULL,
  stars4 BIGINT NOT NULL,
  stars5 BIGINT NOT NULL,
  PRIMARY KEY (unit, category, day)
);
-- Working minutes to the first answer, by bucket of domain/indicators.h.
CREATE TABLE answer_times (
  unit TEXT NOT NULL,
  category TEXT NOT NULL,
  day BIGINT NOT NULL,
  bucket BIGINT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (unit, category, day, bucket)
);
