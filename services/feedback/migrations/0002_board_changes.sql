-- Open311's list of updates asks for what changed (as shown) within a time.
CREATE INDEX board_by_change ON board_reports (changed_at, number);
