#include <map>
#include <optional>

#include "libs/auth/audit_chain.h"
#include "libs/auth/audit_hash.h"
#include "libs/auth/audit_rows.h"

namespace dinh::auth {
namespace {

constexpr int kPageRows = 1000;
constexpr char kSelectChained[] =
    "SELECT " DINH_AUDIT_COLUMNS ", hash FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";
constexpr char kSelectHeads[] = "SELECT sequence, hash, at, key_id, signature FROM audit_head ORDER BY sequence";
constexpr char kSelectNewestHead[] =
    "SELECT sequence, hash, at, key_id, signature FROM audit_head ORDER BY sequence DESC LIMIT 1";

base::Text TextOf(AuditProblemKind kind, int64_t sequence) {
  const std::string n = std::to_string(sequence);
  switch (kind) {
    case AuditProblemKind::kRowMissing:
      return {"Thiếu dòng nhật ký số " + n + ".", "Audit row " + n + " is missing."};
    case AuditProblemKind::kRowChanged:
      return {"Dòng nhật ký số " + n + " đã bị sửa, chèn hoặc đổi chỗ.",
              "Audit row " + n + " was changed, inserted or swapped."};
    case AuditProblemKind::kTailMissing:
      return {"Nhật ký đã được ký đến số " + n + " nhưng các dòng cuối không còn.",
              "The log was signed up to row " + n + ", but its last rows are gone."};
    case AuditProblemKind::kTailUnsigned:
      return {"Từ dòng số " + n + " trở đi không có chữ ký nào xác nhận.",
              "From row " + n + " on, no signed head covers the log."};
    case AuditProblemKind::kHeadForged:
      return {"Chữ ký đầu chuỗi tại số " + n + " không phải do khóa của hệ thống này ký.",
              "The signature of the head at row " + n + " is not by a key of this installation."};
    case AuditProblemKind::kHeadMismatch:
      return {"Chữ ký đầu chuỗi tại số " + n + " không khớp với các dòng hiện có.",
              "The signed head at row " + n + " does not match the rows that are there."};
    case AuditProblemKind::kHeadMissing:
      return {"Có " + n + " dòng nhật ký trong chuỗi nhưng không có chữ ký đầu chuỗi nào.",
              "There are " + n + " chained rows, but no signed head."};
    case AuditProblemKind::kAnchorMismatch:
      return {"Đầu chuỗi số " + n + " lưu bên ngoài không có trong nhật ký: nhật ký đã bị khôi phục lùi hoặc viết lại.",
              "The head of row " + n + " that was kept elsewhere is not in this log: it was put back or rewritten."};
  }
  return {};
}

struct ChainedRow {
  AuditRecord record;
  std::string hash;
};

// What the ends of log and heads look like in one moment.
struct Ends {
  int64_t rows_end = 0;   // highest sequence of a row
  int64_t chain_end = 0;  // where the chainer stands
  std::string chain_hash;
  int64_t unchained = 0;
  std::vector<AuditHead> heads;
};

class Verification {
 public:
  Verification(base::OpContext& ctx, db::Database& db, const KeyRing& keys, std::string_view service)
      : ctx_(ctx), db_(db), keys_(keys), service_(service) {}

  absl::StatusOr<AuditReport> Run(const std::vector<AuditHead>& anchors) {
    ASSIGN_OR_RETURN(const Ends ends, ReadEnds());
    CheckSignatures(ends.heads);
    for (const AuditHead& anchor : anchors) AddAnchor(anchor);
    RETURN_IF_ERROR(WalkRows(ends.rows_end));
    CheckEnds(ends);
    report_.unchained = ends.unchained;
    return std::move(report_);
  }

 private:
  void Problem(AuditProblemKind kind, int64_t sequence) {
    if (report_.problems.size() < kAuditProblemsMax) {
      report_.problems.push_back({kind, sequence, TextOf(kind, sequence)});
    }
  }

  // One snapshot: a chainer that works beside this cannot make the ends disagree.
  absl::StatusOr<Ends> ReadEnds() {
    return db_.Read(ctx_, [&](db::Tx& tx) -> absl::StatusOr<Ends> {
      Ends ends;
      RETURN_IF_ERROR(tx.Query("SELECT COALESCE(MAX(sequence), 0) FROM audit", {},
                               [&](const db::Row& row) { ends.rows_end = row.Int(0); }));
      RETURN_IF_ERROR(tx.Query("SELECT COUNT(*) FROM audit WHERE sequence IS NULL", {},
                               [&](const db::Row& row) { ends.unchained = row.Int(0); }));
      RETURN_IF_ERROR(tx.Query("SELECT sequence, hash FROM audit_chain WHERE id = 1", {}, [&](const db::Row& row) {
        ends.chain_end = row.Int(0);
        ends.chain_hash = row.OptText(1).value_or("");
      }));
      RETURN_IF_ERROR(tx.Query(kSelectHeads, {}, [&](const db::Row& row) {
        ends.heads.push_back({service_, row.Int(0), row.Text(1), row.Int(2), row.Text(3), row.Text(4)});
      }));
      return ends;
    });
  }

  void CheckSignatures(const std::vector<AuditHead>& heads) {
    report_.heads = static_cast<int64_t>(heads.size());
    if (!heads.empty()) report_.newest = heads.back();
    for (const AuditHead& head : heads) {
      if (!HeadSignatureValid(keys_, head)) Problem(AuditProblemKind::kHeadForged, head.sequence);
      expected_.emplace(head.sequence, Expected{head.hash, AuditProblemKind::kHeadMismatch});
    }
  }

  void AddAnchor(const AuditHead& anchor) {
    if (anchor.service != service_) return;  // of another service's log
    if (!HeadSignatureValid(keys_, anchor)) return Problem(AuditProblemKind::kHeadForged, anchor.sequence);
    expected_.emplace(anchor.sequence, Expected{anchor.hash, AuditProblemKind::kAnchorMismatch});
  }

  absl::StatusOr<std::vector<ChainedRow>> ReadPage() {
    return db_.Read(ctx_, [&](db::Tx& tx) {
      return tx.QueryAll(kSelectChained, {end_, kPageRows}, [](const db::Row& row) {
        return ChainedRow{ReadAuditRecord(row), row.OptText(kAuditColumns).value_or("")};
      });
    });
  }

  absl::Status WalkRows(int64_t rows_end) {
    std::optional<std::string> previous = GenesisHash(service_);
    while (end_ < rows_end) {
      ASSIGN_OR_RETURN(const std::vector<ChainedRow> page, ReadPage());
      if (page.empty()) break;
      for (const ChainedRow& row : page) {
        if (row.record.sequence > rows_end) return absl::OkStatus();  // came while this was reading
        Visit(row, &previous);
      }
    }
    return absl::OkStatus();
  }

  void Visit(const ChainedRow& row, std::optional<std::string>* previous) {
    const int64_t sequence = row.record.sequence;
    if (sequence != end_ + 1) {
      Problem(sequence > end_ + 1 ? AuditProblemKind::kRowMissing : AuditProblemKind::kRowChanged, end_ + 1);
      previous->reset();  // the hash before this row is lost: it can be checked again from the next one on
    }
    if (*previous && ChainHash(**previous, row.record) != row.hash) Problem(AuditProblemKind::kRowChanged, sequence);
    *previous = row.hash;
    const auto expected = expected_.equal_range(sequence);
    for (auto it = expected.first; it != expected.second; ++it) {
      if (it->second.hash != row.hash) Problem(it->second.kind, sequence);
    }
    expected_.erase(expected.first, expected.second);
    end_ = sequence;
    last_hash_ = row.hash;
    ++report_.rows;
  }

  void CheckEnds(const Ends& ends) {
    const int64_t head_end = ends.heads.empty() ? 0 : ends.heads.back().sequence;
    if (ends.heads.empty() && end_ > 0) Problem(AuditProblemKind::kHeadMissing, end_);
    if (!ends.heads.empty() && head_end < end_) Problem(AuditProblemKind::kTailUnsigned, head_end + 1);
    // Heads and anchors whose rows never came.
    std::optional<int64_t> gone;
    for (const auto& [sequence, expected] : expected_) {
      if (sequence <= end_ || expected.kind == AuditProblemKind::kAnchorMismatch) {
        Problem(expected.kind, sequence);
      } else {
        gone = sequence;
      }
    }
    if (!gone && ends.chain_end > end_) gone = ends.chain_end;
    if (gone) {
      Problem(AuditProblemKind::kTailMissing, *gone);
    } else if (ends.chain_end != end_ || (end_ > 0 && ends.chain_hash != last_hash_)) {
      Problem(AuditProblemKind::kRowChanged, end_);
    }
  }

  struct Expected {
    std::string hash;
    AuditProblemKind kind;
  };

  base::OpContext& ctx_;
  db::Database& db_;
  const KeyRing& keys_;
  const std::string service_;
  AuditReport report_;
  std::multimap<int64_t, Expected> expected_;  // what stands at a sequence, by heads and anchors
  int64_t end_ = 0;                            // last row read
  std::string last_hash_;
};

}  // namespace

absl::StatusOr<std::optional<AuditHead>> NewestHead(db::Tx& tx, const std::string& service) {
  return tx.QueryOne(kSelectNewestHead, {}, [&](const db::Row& row) {
    return AuditHead{service, row.Int(0), row.Text(1), row.Int(2), row.Text(3), row.Text(4)};
  });
}

absl::StatusOr<AuditReport> AuditVerify(base::OpContext& ctx, db::Database& db, const KeyRing& keys,
                                        std::string_view service, const std::vector<AuditHead>& anchors) {
  return Verification(ctx, db, keys, service).Run(anchors);
}

}  // namespace dinh::auth
