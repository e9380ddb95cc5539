// What the store reads and writes: a dossier with everything its rules need, its history, its files. Plain values;
// sealing happens inside the store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dinh/identity/v1/resources.pb.h"
#include "dinh/procedures/v1/resources.pb.h"
#include "libs/auth/principal.h"
#include "libs/base/civil.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"
#include "services/procedures/domain/fees.h"
#include "services/procedures/domain/time_limit.h"
#include "services/procedures/domain/transitions.h"

namespace dinh::procedures {

struct DossierRow {
  std::string id;
  std::string code;
  int64_t revision = 1;  // the etag
  std::string procedure;
  int procedure_version = 1;
  Channel channel = Channel::kOnline;
  std::string filer_person;
  std::string filer_account;
  identity::v1::Person filer;       // as at filing
  procedures::v1::Dossier content;  // only form and subjects
  std::string assisting_officer;
  std::string receiving_agency;
  std::string deciding_agency;
  std::string unit;
  std::string agency_name;
  std::string unit_name;
  std::map<std::string, std::string> external_ids;
  Progress progress;
  base::Micros step_since = 0;
  std::string charge;
  base::Vnd charge_vnd = 0;
  base::Micros submitted_at = 0;
  std::optional<base::CivilDate> due_date;
  Waited waited;
  std::string tracking_token;  // "" before acceptance
  std::string reason;          // of the last refusal, supplement or stop
  std::string comment;
  std::optional<base::Micros> rated_at;

  auth::ResourceScope scope() const { return {{filer_person}, "", receiving_agency, unit}; }
};

struct TimelineRow {
  Change change;
  ActorKind actor_kind = ActorKind::kSystem;
  std::string actor_role;
};

// kSupersededDraft: a result that was sent back. It stays with the dossier, but is nobody's result.
enum class FileKind { kUnused = 0, kPaper = 1, kResult = 2, kSupersededDraft = 3 };

struct AttachmentRow {
  std::string id;
  std::string owner_account;
  std::string owner_person;
  std::string dossier;  // id; "" when unused
  FileKind kind = FileKind::kUnused;
  std::string file_name;
  std::string blob;  // id in the blob store
  std::string content_type;
  int64_t size_bytes = 0;
  std::string sha256;
  base::Micros created_at = 0;
};

// An upload that comes in pieces.
struct UploadRow {
  std::string id;
  std::string owner_account;
  std::string owner_person;
  std::string file_name;  // as the client names it
  int64_t size_bytes = 0;
  std::string sha256;      // lower-case hex, as the client says; "" not said
  int64_t received = 0;    // bytes that are durable
  int64_t parts = 0;       // in so many pieces
  std::string attachment;  // what it has become; "" open
  base::Micros created_at = 0;
  base::Micros touched_at = 0;

  // As with unused files: the login that began it, acting for the same person.
  bool OwnedBy(const auth::Principal& principal) const {
    return owner_account == principal.id && (owner_person.empty() || owner_person == principal.person);
  }
};

struct UploadPart {
  int64_t start = 0;
  int64_t size_bytes = 0;
  std::string blob;
};

// A file with the dossier it hangs on, for deciding who may read it.
struct AttachmentInDossier {
  AttachmentRow file;
  std::optional<DossierRow> dossier;

  auth::ResourceScope scope() const {
    if (dossier) return dossier->scope();
    if (!file.owner_person.empty()) return {{file.owner_person}, "", "", ""};
    return {{}, file.owner_account, "", ""};
  }
};

// An agency's dossiers of one unit: rights flow neither across nor down.
struct Inbox {
  std::string agency;
  std::string unit;
  bool operator==(const Inbox&) const = default;
};

struct DossierFilter {
  std::string filer_person;  // one of the two
  std::vector<Inbox> inboxes;
  std::vector<int> states;  // empty: all
  std::string procedure;
  bool overdue_only = false;
  std::string before;  // id of the last one seen; "" from the newest
  int limit = 20;
};

}  // namespace dinh::procedures
