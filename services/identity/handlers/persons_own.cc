// What a citizen does with the persons of their own login.
#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/civil.h"
#include "libs/base/text.h"
#include "services/identity/domain/numbers.h"
#include "services/identity/domain/phone.h"
#include "services/identity/errors.h"
#include "services/identity/handlers/convert.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

constexpr int64_t kNameCodePointsMin = 2;

// One line, blanks folded.
absl::StatusOr<std::string> OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\t', ' ');
  return base::NormalizeText(text);
}

bool HasNumber(const std::vector<PersonRow>& persons, const std::string& number, std::string_view except) {
  return !number.empty() && std::any_of(persons.begin(), persons.end(), [&](const PersonRow& row) {
    return row.person.id != except && row.person.personal_number == number;
  });
}

void CheckFields(const Person& person, base::CivilDate today, std::vector<base::FieldViolation>* violations) {
  if (base::CodePoints(person.full_name) < kNameCodePointsMin) {
    violations->push_back({"person.full_name", {"Hãy nhập đầy đủ họ và tên.", "Give the full name."}});
  }
  if (!person.personal_number.empty() && !IsPersonalNumber(person.personal_number)) {
    violations->push_back({"person.personal_number",
                           {"Hãy nhập đủ 12 chữ số của số định danh cá nhân như trên thẻ căn cước.",
                            "Give the 12 digits of the personal number as on the identity card."}});
  }
  if (!person.birth_date.empty() && !ParseBirthDate(person.birth_date, today)) {
    violations->push_back(
        {"person.birth_date",
         {"Ngày sinh phải có thật, từ năm 1900 đến hôm nay; nếu không nhớ ngày, tháng thì chỉ ghi năm.",
          "The birth date must be real, from 1900 to today; give the year alone if no more is known."}});
  }
  const std::optional<base::CivilDate> at = base::ParseDate(person.address.at);
  if (!person.address.at.empty() && (!at || *at > today)) {
    violations->push_back(
        {"person.address.at",
         {"Ngày của địa chỉ không được sau hôm nay.", "The date of the address must not lie in the future."}});
  }
}

}  // namespace

absl::StatusOr<Person> PersonHandlers::FromProto(rpc::Context& ctx, const pb::Person& in) {
  const base::CivilDate today = base::ToVietnam(ctx.Now()).date;
  Person person;
  ASSIGN_OR_RETURN(person.full_name, OneLine(in.full_name()));
  ASSIGN_OR_RETURN(person.address.text, OneLine(in.address().text()));
  person.personal_number = in.personal_number();
  person.birth_date = in.birth_date();
  person.address.unit = in.address().unit();
  if (!person.address.unit.empty()) {
    person.address.at = in.address().at().empty() ? base::FormatDate(today) : in.address().at();
  }
  std::vector<base::FieldViolation> violations;
  CheckFields(person, today, &violations);
  if (!in.phone().empty()) {
    std::optional<std::string> phone = NormalizePhone(in.phone(), parts_.config.phone_prefixes);
    if (phone) {
      person.phone = *std::move(phone);
    } else {
      violations.push_back({"person.phone",
                            {"Hãy nhập số di động đang dùng ở Việt Nam, ví dụ 0912345678.",
                             "Give a Vietnamese mobile number in use, for example 0912345678."}});
    }
  }
  if (!violations.empty()) return base::InvalidFields(std::move(violations));
  RETURN_IF_ERROR(parts_.territory.CheckAddress(ctx, person.address, "person.address"));
  return person;
}

absl::StatusOr<pb::Me> PersonHandlers::GetMe(rpc::Context& ctx, const pb::GetMeRequest&) {
  const auth::Principal& principal = ctx.principal();
  return parts_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Me> {
    ASSIGN_OR_RETURN(const std::optional<AccountRow> account, parts_.store.Account(tx, principal.id));
    if (!account) return LoginRevoked();
    pb::Me me;
    me.set_account(account->id);
    me.set_kind(account->kind == AccountKind::kOfficer ? "officer" : "citizen");
    me.set_phone_hint(PhoneHint(account->phone));
    me.set_active_person(principal.person);
    if (account->kind == AccountKind::kOfficer) {
      ASSIGN_OR_RETURN(const std::optional<OfficerRow> officer, parts_.store.Officer(tx, account->id));
      if (officer) *me.mutable_officer() = ToProto(*officer, parts_.roles);
      return me;
    }
    ASSIGN_OR_RETURN(const std::vector<PersonRow> persons, parts_.store.PersonsOf(tx, account->id));
    for (const PersonRow& row : persons) *me.add_persons() = ToProto(row);
    if (principal.person.empty()) return me;
    ASSIGN_OR_RETURN(const std::vector<OrganisationRow> organisations,
                     parts_.store.OrganisationsOf(tx, principal.person));
    for (const OrganisationRow& row : organisations) *me.add_organisations() = ToProto(row);
    return me;
  });
}

absl::StatusOr<pb::Person> PersonHandlers::CreatePerson(rpc::Context& ctx, const pb::CreatePersonRequest& request) {
  PersonRow row;
  ASSIGN_OR_RETURN(row.person, FromProto(ctx, request.person()));
  row.person.id = parts_.ids.Next();
  row.person.assurance = Assurance::kPhone;
  row.created_at = ctx.Now();
  ctx.AuditSubject(row.person.id, "persons/" + row.person.id);
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Person> {
    const std::string& account = ctx.principal().id;
    ASSIGN_OR_RETURN(const std::vector<PersonRow> persons, parts_.store.PersonsOf(tx, account));
    if (static_cast<int64_t>(persons.size()) >= kPersonsPerAccountMax) return TooManyPersons(kPersonsPerAccountMax);
    if (HasNumber(persons, row.person.personal_number, "")) return PersonExists();
    RETURN_IF_ERROR(parts_.store.InsertPerson(tx, row, ""));
    RETURN_IF_ERROR(parts_.store.LinkPerson(tx, account, row.person.id));
    // The first person of a login is whom it acts for from its next token on.
    ASSIGN_OR_RETURN(std::optional<LoginRow> login, parts_.store.Login(tx, ctx.principal().session));
    if (persons.empty() && login && login->account == account && login->person.empty()) {
      login->person = row.person.id;
      RETURN_IF_ERROR(parts_.store.UpdateLogin(tx, *login));
    }
    return ToProto(row);
  });
}

absl::StatusOr<pb::Person> PersonHandlers::UpdatePerson(rpc::Context& ctx, const pb::UpdatePersonRequest& request) {
  const std::string& account = ctx.principal().id;
  ASSIGN_OR_RETURN(const OwnPersonRow own, ctx.InScope(parts_.database.Read(ctx, [&](db::Tx& tx) {
    return parts_.store.OwnPerson(tx, account, request.id());
  })));
  if (request.person().etag().empty()) {
    return base::InvalidField("person.etag", {"Hãy gửi kèm etag đã đọc được.", "Send the etag that was read."});
  }
  ASSIGN_OR_RETURN(Person wanted, FromProto(ctx, request.person()));
  wanted.id = own.row.person.id;
  ctx.AuditSubject(wanted.id, "persons/" + wanted.id);
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Person> {
    ASSIGN_OR_RETURN(OwnPersonRow now, ctx.InScope(parts_.store.OwnPerson(tx, account, request.id())));
    if (request.person().etag() != Etag(now.row.revision)) return base::StaleEtag();
    if (IsVerified(now.row.person) && ChangesPapers(now.row.person, wanted)) return PersonVerified();
    ASSIGN_OR_RETURN(const std::vector<PersonRow> persons, parts_.store.PersonsOf(tx, account));
    if (HasNumber(persons, wanted.personal_number, wanted.id)) return PersonExists();
    const Assurance assurance = now.row.person.assurance;
    now.row.person = wanted;
    now.row.person.assurance = assurance;
    RETURN_IF_ERROR(parts_.store.UpdatePerson(tx, now.row));
    return ToProto(now.row);
  });
}

absl::StatusOr<pb::TokenPair> PersonHandlers::SelectPerson(rpc::Context& ctx, const pb::SelectPersonRequest& request) {
  ctx.AuditSubject(request.id(), "persons/" + request.id());
  ctx.claim = nullptr;  // repeatable by itself
  const absl::StatusOr<LoginRow> login = parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<LoginRow> {
    const auth::Principal& principal = ctx.principal();
    ASSIGN_OR_RETURN(const OwnPersonRow own, ctx.InScope(parts_.store.OwnPerson(tx, principal.id, request.id())));
    ASSIGN_OR_RETURN(std::optional<LoginRow> row, parts_.store.Login(tx, principal.session));
    const bool active = row && row->account == principal.id && row->family.state == LoginState::kActive;
    if (!active) return LoginRevoked();
    row->person = own.row.person.id;
    RETURN_IF_ERROR(parts_.store.UpdateLogin(tx, *row));
    return *std::move(row);
  });
  RETURN_IF_ERROR(login.status());
  // No refresh token: the one the device holds goes on, and who holds only an access token must not gain one.
  return parts_.sessions.AccessToken(*login, AccountKind::kCitizen);
}

absl::StatusOr<pb::Organisation> PersonHandlers::CreateOrganisation(rpc::Context& ctx,
                                                                    const pb::CreateOrganisationRequest& request) {
  const std::string& person = ctx.principal().person;
  if (person.empty()) return PersonNotChosen();
  const pb::Organisation& in = request.organisation();
  if (!IsTaxCode(in.tax_code())) return TaxCodeInvalid();
  OrganisationRow row;
  row.id = parts_.ids.Next();
  row.tax_code = in.tax_code();
  row.representatives = {person};
  ASSIGN_OR_RETURN(row.name, OneLine(in.name()));
  ASSIGN_OR_RETURN(row.address.text, OneLine(in.address().text()));
  row.address.unit = in.address().unit();
  if (!row.address.unit.empty()) {
    row.address.at = in.address().at().empty() ? base::FormatDate(base::ToVietnam(ctx.Now()).date) : in.address().at();
  }
  RETURN_IF_ERROR(parts_.territory.CheckAddress(ctx, row.address, "organisation.address"));
  ctx.AuditSubject(person, "organisations/" + row.id);
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Organisation> {
    ASSIGN_OR_RETURN(const std::vector<OrganisationRow> mine, parts_.store.OrganisationsOf(tx, person));
    if (static_cast<int64_t>(mine.size()) >= kOrganisationsPerPersonMax) {
      return TooManyOrganisations(kOrganisationsPerPersonMax);
    }
    const bool known = std::any_of(mine.begin(), mine.end(),
                                   [&](const OrganisationRow& other) { return other.tax_code == row.tax_code; });
    if (known) return OrganisationExists();
    RETURN_IF_ERROR(parts_.store.InsertOrganisation(tx, row));
    return ToProto(row);
  });
}

}  // namespace dinh::identity
