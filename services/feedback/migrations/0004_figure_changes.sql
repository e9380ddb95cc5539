-- What changes of reports count in: rows of their own, added in the transaction of the change, that the merger takes
-- into indicators, answer_times and officer_load (deploy/adr/0013). No change waits for a row that another counts in.
-- Ids are UUIDv7: they order by time.
CREATE TABLE figure_changes (
  id TEXT NOT NULL PRIMARY KEY,
  unit TEXT NOT NULL,
  category TEXT NOT NULL,
  day BIGINT NOT NULL,
  received SMALLINT NOT NULL,
  answered SMALLINT NOT NULL,
  on_time SMALLINT NOT NULL,
  overdue SMALLINT NOT NULL,
  resolved SMALLINT NOT NULL,
  rejected SMALLINT NOT NULL,
  reopened SMALLINT NOT NULL,
  stars SMALLINT NOT NULL,                   -- 0: no rating
  bucket BIGINT                              -- as in answer_times; NULL: no first answer
);
CREATE TABLE load_changes (
  officer TEXT NOT NULL,
  at BIGINT NOT NULL,
  id TEXT NOT NULL,
  change SMALLINT NOT NULL,                  -- 1 or -1
  PRIMARY KEY (officer, at, id)
);
-- The latest change that is in `open`: those yet to be merged are not much older.
ALTER TABLE officer_load ADD COLUMN merged_to BIGINT NOT NULL DEFAULT 0;
