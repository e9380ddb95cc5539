-- The map and "nearby" look through many rows that lie together in these indexes and far apart in the table.
DROP INDEX board_by_place;
CREATE INDEX board_by_place ON board_reports (morton, number, category, unit, state, shown_at, lat, lng)
  WHERE morton IS NOT NULL;
DROP INDEX board_open_by_place;
CREATE INDEX board_open_by_place ON board_reports (category, morton, open, number, lat, lng)
  WHERE open = 1 AND morton IS NOT NULL;
-- So do lists by time, with what else is asked for.
DROP INDEX board_by_time;
CREATE INDEX board_by_time ON board_reports (shown_at, number, category, unit, state, lat, lng, published_at);
