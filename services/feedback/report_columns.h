// Private to store*.cc.
#pragma once

// The order of columns that Read() knows.
#define DINH_REPORT_COLUMNS                                                                                         \
  "id, code, revision, category, agency, unit, position, above_agency, above_unit, escalation, bypass_officer, "    \
  "bypass_unit, reporter_account, reporter_person, contact_index, contact_sealed, filed_by, content_sealed, "       \
  "public_text_sealed, anonymous, asked_public, moderation, hidden, flags, joined, state, resume_state, assignee, " \
  "created_at, started_at, first_answered_at, answered_at, finished_at, waiting_since, waited_minutes, reopened, "  \
  "stars, comment_sealed, due_at, next_step_at, close_at, first_public_at, tracking_hash, target_index"
