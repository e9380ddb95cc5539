// Who sees a report as what.
#include <algorithm>
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/strings.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/handlers.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kRead = "report.read";

bool HoldsAny(const auth::Principal& principal, const std::vector<std::string>& permissions, const std::string& agency,
              const std::string& unit) {
  return std::any_of(permissions.begin(), permissions.end(),
                     [&](const std::string& permission) { return principal.Has(permission, agency, unit); });
}

// The officer it is about, and everybody of that officer's unit.
bool IsBypassed(const auth::Principal& principal, const ReportRow& row, const std::string& unit) {
  if (!row.bypass_officer.empty() && principal.id == row.bypass_officer) return true;
  return !row.bypass_unit.empty() && unit == row.bypass_unit;
}

bool IsToken(const ReportRow& row, std::string_view token) {
  if (token.empty() || row.tracking_hash.empty()) return false;
  return base::ConstantTimeEqual(base::HexEncode(base::Sha256(token)), row.tracking_hash);
}

}  // namespace

Handlers::Seen Handlers::SeenAs(const rpc::Context& ctx, ReportRow& row, std::string_view tracking_token) const {
  const auth::Principal& principal = ctx.principal();
  if (IsToken(row, tracking_token)) return Seen::kReporter;
  if (principal.kind == auth::CallerKind::kCitizen) {
    const auth::ResourceScope scope = row.scope();
    const bool own = !principal.person.empty() && std::find(scope.owner_persons.begin(), scope.owner_persons.end(),
                                                            principal.person) != scope.owner_persons.end();
    return own || (!scope.owner_account.empty() && scope.owner_account == principal.id) ? Seen::kReporter
                                                                                        : Seen::kNobody;
  }
  if (principal.kind != auth::CallerKind::kOfficer) return Seen::kNobody;
  std::vector<std::string> permissions = ctx.rule().permissions;
  if (permissions.empty()) permissions.emplace_back(kRead);
  for (const bool above : {false, true}) {
    const std::string& agency = above ? row.above_agency : row.agency;
    const std::string& unit = above ? row.above_unit : row.unit;
    if (agency.empty() || IsBypassed(principal, row, unit) || !HoldsAny(principal, permissions, agency, unit)) continue;
    row.from_above = above;
    return Seen::kOffice;
  }
  return Seen::kNobody;
}

absl::StatusOr<std::optional<ReportRow>> Handlers::SeenBy(const rpc::Context& ctx,
                                                          absl::StatusOr<std::optional<ReportRow>> row) const {
  RETURN_IF_ERROR(row.status());
  if (!row->has_value() || SeenAs(ctx, **row, "") == Seen::kNobody) return std::optional<ReportRow>();
  return row;
}

absl::StatusOr<std::string> Handlers::WhoIs(const rpc::Context& ctx, const std::string& phone_pass) const {
  if (!ctx.principal().anonymous()) return ctx.principal().id;
  const std::optional<std::string> phone = p_.passes.Open(phone_pass, ctx.Now());
  if (!phone) return PhonePassInvalid();
  return base::HexEncode(p_.store.ContactIndex(*phone));
}

absl::Status Handlers::CountToday(db::Tx& tx, std::string_view what, std::string_view who, int64_t at_most,
                                  const absl::Status& refusal) const {
  const int64_t day = base::DaysFromCivil(base::ToVietnam(tx.context().Now()).date);
  ASSIGN_OR_RETURN(const int64_t count, p_.store.CountToday(tx, what, who, day));
  return count > at_most ? refusal : absl::OkStatus();
}

std::string Handlers::OfficerTitle(rpc::Context& ctx, const ReportRow& row) const {
  const std::string& agency = row.from_above ? row.above_agency : row.agency;
  std::string title = "Cán bộ";
  for (const auth::Grant& grant : ctx.principal().grants) {
    if (grant.agency != agency) continue;
    const auto name = p_.roles.find(grant.role);
    if (name != p_.roles.end()) title = name->second;
    break;
  }
  return title + ", " + p_.territory.AgencyName(ctx, agency);
}

void Handlers::TellAudit(rpc::Context& ctx, const ReportRow& row) {
  ctx.AuditSubject(row.reporter_person, row.code);
  ctx.audit_reason = "phản ánh " + row.code;
}

ViewContext Handlers::View(rpc::Context& ctx, const ReportRow& row, bool office) const {
  ViewContext view{p_.data.categories, ctx.Now(), office, ctx.language == "en", "", ""};
  view.unit_name = p_.territory.UnitName(ctx, row.unit);
  view.agency_name = p_.territory.AgencyName(ctx, row.agency);
  return view;
}

absl::StatusOr<pb::Report> Handlers::Show(rpc::Context& ctx, db::Tx& tx, const ReportRow& row,
                                          const ViewContext& view) const {
  TellAudit(ctx, row);
  ASSIGN_OR_RETURN(const std::vector<PhotoRow> photos, p_.store.Photos(tx, row));
  if (row.history) return Full(view, row, *row.history, photos);
  ASSIGN_OR_RETURN(const std::vector<UpdateRow> updates, p_.store.Updates(tx, row));
  return Full(view, row, updates, photos);
}

// Version 4 (RFC 9562): random bits only.
std::string Handlers::Anew() const {
  std::string bytes = p_.random.Bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string hex = base::HexEncode(bytes);
  for (const size_t at : {8u, 13u, 18u, 23u}) hex.insert(at, 1, '-');
  return hex;
}

}  // namespace dinh::feedback
