// Persons at the desk: papers are seen.
#include <algorithm>
#include <utility>

#include "services/identity/errors.h"
#include "services/identity/handlers/convert.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

constexpr std::string_view kRegister = "person.register";
// What the person reads as the reason among the accesses to their data.
constexpr char kPapersSeen[] = "đối chiếu giấy tờ tại quầy";

// A person as a desk sees them: in charge is the caller's agency of the commune the person lives in today.
struct DeskPerson {
  PersonRow row;
  std::string agency;
  std::string unit;
  auth::ResourceScope scope() const { return {{}, "", agency, unit}; }
};

bool IsTaken(const absl::Status& status) {
  const std::optional<base::ErrorDetail> detail = base::DetailOf(status);
  return absl::IsAlreadyExists(status) && detail && detail->reason == "UNIQUE_VIOLATION";
}

std::string AgencyOfDesk(const auth::Principal& officer, const std::string& unit) {
  for (const auth::Grant& grant : officer.grants) {
    const bool registers =
        std::find(grant.permissions.begin(), grant.permissions.end(), kRegister) != grant.permissions.end();
    if (registers && grant.unit == unit) return grant.agency;
  }
  return "";
}

}  // namespace

// The person joins the login of their phone. A claim that was made there under the same number becomes the verified
// person, so that what was filed under it stays theirs.
absl::StatusOr<PersonRow> PersonHandlers::RegisterInAccount(db::Tx& tx, const rpc::Context& ctx,
                                                            const PersonRow& papers) const {
  ASSIGN_OR_RETURN(std::optional<AccountRow> account, parts_.store.AccountByPhone(tx, papers.person.phone));
  if (!account) {
    account.emplace();
    account->id = parts_.ids.Next();
    account->phone = papers.person.phone;
    RETURN_IF_ERROR(parts_.store.InsertAccount(tx, *account));
  }
  ASSIGN_OR_RETURN(const std::vector<PersonRow> persons, parts_.store.PersonsOf(tx, account->id));
  for (const PersonRow& claim : persons) {
    const bool same = !papers.person.personal_number.empty() && !IsVerified(claim.person) &&
                      claim.person.personal_number == papers.person.personal_number;
    if (!same) continue;
    PersonRow row = claim;
    row.person = papers.person;
    row.person.id = claim.person.id;
    RETURN_IF_ERROR(parts_.store.UpdatePerson(tx, row));
    RETURN_IF_ERROR(parts_.store.VerifyPerson(tx, row, ctx.principal().id));
    return row;
  }
  if (static_cast<int64_t>(persons.size()) >= kPersonsPerAccountMax) return TooManyPersons(kPersonsPerAccountMax);
  RETURN_IF_ERROR(parts_.store.InsertPerson(tx, papers, ctx.principal().id));
  RETURN_IF_ERROR(parts_.store.LinkPerson(tx, account->id, papers.person.id));
  return papers;
}

absl::StatusOr<pb::Person> PersonHandlers::RegisterPerson(rpc::Context& ctx, const pb::RegisterPersonRequest& request) {
  PersonRow papers;
  ASSIGN_OR_RETURN(papers.person, FromProto(ctx, request.person()));
  papers.person.id = parts_.ids.Next();
  papers.person.assurance = Assurance::kSeenAtDesk;
  papers.created_at = ctx.Now();
  ctx.audit_reason = kPapersSeen;
  absl::StatusOr<pb::Person> registered = parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Person> {
    ASSIGN_OR_RETURN(const bool taken, parts_.store.IsNumberVerified(tx, papers.person.personal_number, ""));
    if (taken) return PersonExists();
    PersonRow row = papers;
    if (papers.person.phone.empty()) {
      RETURN_IF_ERROR(parts_.store.InsertPerson(tx, papers, ctx.principal().id));
    } else {
      ASSIGN_OR_RETURN(row, RegisterInAccount(tx, ctx, papers));
    }
    // Once, also when the transaction runs again.
    if (ctx.audit_subjects().empty()) ctx.AuditSubject(row.person.id, "persons/" + row.person.id);
    return ToProto(row);
  });
  if (IsTaken(registered.status())) return PersonExists();  // two desks at the same moment
  return registered;
}

absl::StatusOr<pb::Person> PersonHandlers::VerifyPerson(rpc::Context& ctx, const pb::VerifyPersonRequest& request) {
  ASSIGN_OR_RETURN(std::optional<PersonRow> found,
                   parts_.database.Read(ctx, [&](db::Tx& tx) { return parts_.store.PersonById(tx, request.id()); }));
  std::optional<DeskPerson> desk;
  if (found) {
    ASSIGN_OR_RETURN(const std::string unit, parts_.territory.CommuneToday(ctx, found->person.address));
    desk = DeskPerson{*std::move(found), AgencyOfDesk(ctx.principal(), unit), unit};
  }
  ASSIGN_OR_RETURN(DeskPerson person, ctx.InScope(absl::StatusOr<std::optional<DeskPerson>>(std::move(desk))));
  PersonRow& row = person.row;
  ctx.AuditSubject(row.person.id, "persons/" + row.person.id);
  ctx.audit_reason = kPapersSeen;
  const std::string& number = row.person.personal_number;
  if (!number.empty() && number != request.personal_number()) return PersonalNumberMismatch();
  if (!IsVerified(row.person)) row.person.assurance = Assurance::kSeenAtDesk;
  row.person.personal_number = request.personal_number();
  absl::StatusOr<pb::Person> verified = parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Person> {
    PersonRow changed = row;
    ASSIGN_OR_RETURN(const bool taken,
                     parts_.store.IsNumberVerified(tx, changed.person.personal_number, changed.person.id));
    if (taken) return PersonalNumberTaken();
    RETURN_IF_ERROR(parts_.store.VerifyPerson(tx, changed, ctx.principal().id));
    return ToProto(changed);
  });
  if (IsTaken(verified.status())) return PersonalNumberTaken();
  return verified;
}

}  // namespace dinh::identity
