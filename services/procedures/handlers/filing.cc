#include <algorithm>
#include <utility>

#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/base/civil.h"
#include "libs/base/ids.h"
#include "services/procedures/domain/dossier_code.h"
#include "services/procedures/errors.h"
#include "services/procedures/form_values.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

constexpr std::string_view kGetPerson = "/dinh.identity.v1.PersonService/GetPerson";
constexpr std::string_view kResolveUnit = "/dinh.territory.v1.TerritoryService/ResolveUnit";
constexpr std::string_view kListAgencies = "/dinh.territory.v1.TerritoryService/ListAgencies";

// Whom the dossier is about, when the caller does not list them: what the form says.
void SubjectsFromForm(const Values& values, const std::string& filer, pb::Dossier& content) {
  const auto value = [&](const char* id) {
    const auto it = values.find(id);
    return it == values.end() ? std::string() : it->second;
  };
  pb::Subject* subject = content.add_subjects();
  std::string relation = value("relation");
  if (relation.empty()) relation = value("about_other") == "true" ? "represented" : "self";
  subject->set_relation(relation);
  if (relation == "self") {
    subject->set_person(filer);
  } else {
    subject->set_full_name(value("subject_name"));
  }
}

bool IsSystemName(std::string_view name) {
  return !name.empty() && name.size() <= kExternalSystemMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool IsForeignId(std::string_view id) {
  return !id.empty() && id.size() <= kExternalIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// What the field rules of the contract cannot say.
absl::Status CheckRequest(const pb::CreateDossierRequest& request) {
  std::vector<base::FieldViolation> violations;
  for (const auto& [system, id] : request.external_ids()) {
    if (IsSystemName(system) && IsForeignId(id)) continue;
    violations.push_back({"external_ids",
                          {"Tên hệ thống gồm tối đa 40 chữ thường, số hoặc dấu - _ . và mã gồm tối đa 100 ký tự ASCII.",
                           "A system's name has at most 40 of a-z 0-9 - _ . and an id at most 100 ASCII characters."}});
  }
  for (int i = 0; i < request.subjects_size(); ++i) {
    if (!request.subjects(i).person().empty() && !base::IsUuid(request.subjects(i).person())) {
      violations.push_back({"subjects[" + std::to_string(i) + "].person",
                            {"Mã người không đúng dạng. Hãy chọn lại người liên quan.",
                             "The id of the person is malformed. Choose the person again."}});
    }
    if (!request.subjects(i).person().empty() || !request.subjects(i).full_name().empty()) continue;
    violations.push_back({"subjects[" + std::to_string(i) + "]",
                          {"Hãy ghi họ tên người liên quan, hoặc chọn người đã đăng ký.",
                           "Give the name of the person, or choose a registered one."}});
  }
  return violations.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations));
}

}  // namespace

absl::StatusOr<identity::v1::Person> Handlers::FetchPerson(rpc::Context& ctx, const std::string& id) const {
  identity::v1::GetPersonRequest request;
  request.set_id(id);
  return p_.identity.Call<identity::v1::Person>(ctx, kGetPerson, request);
}

absl::StatusOr<Handlers::Office> Handlers::FindOffice(rpc::Context& ctx, const std::string& unit,
                                                      const std::string& from, Executor executor) const {
  constexpr std::string_view kGroup = "offices";
  const std::string key =
      std::to_string(static_cast<int>(executor)) + ":" + std::to_string(unit.size()) + ":" + unit + from;
  Office office;
  if (const auto kept = offices_.Get(kGroup, key); kept != nullptr) {
    const size_t name_end = kept->find('\n');
    office.unit_name = kept->substr(0, name_end);
    if (office.agency.ParseFromString(kept->substr(name_end + 1))) return office;
  }
  const uint64_t version = offices_.Version(kGroup);
  ASSIGN_OR_RETURN(office, AskForOffice(ctx, unit, from, executor));
  offices_.Put(kGroup, key,
               std::make_shared<const std::string>(office.unit_name + "\n" + office.agency.SerializeAsString()),
               kOfficeLasts, version);
  return office;
}

absl::StatusOr<Handlers::Office> Handlers::AskForOffice(rpc::Context& ctx, const std::string& unit,
                                                        const std::string& from, Executor executor) const {
  territory::v1::ResolveUnitRequest resolve;
  resolve.set_code(unit);
  resolve.set_from(from);
  absl::StatusOr<territory::v1::ResolveUnitResponse> answer =
      p_.territory.Call<territory::v1::ResolveUnitResponse>(ctx, kResolveUnit, resolve);
  if (absl::IsNotFound(answer.status())) return UnitUnknown(unit);
  RETURN_IF_ERROR(answer.status());
  territory::v1::ResolveUnitResponse resolved = *std::move(answer);
  if (resolved.unit().level() == territory::v1::Unit::LEVEL_VILLAGE) {
    resolve.set_code(resolved.unit().parent());
    resolve.clear_from();
    ASSIGN_OR_RETURN(resolved, p_.territory.Call<territory::v1::ResolveUnitResponse>(ctx, kResolveUnit, resolve));
  }
  territory::v1::ListAgenciesRequest list;
  list.set_unit(resolved.unit().code());
  list.set_kind(executor == Executor::kPolice ? territory::v1::Agency::KIND_POLICE
                                              : territory::v1::Agency::KIND_PEOPLES_COMMITTEE);
  ASSIGN_OR_RETURN(territory::v1::ListAgenciesResponse agencies,
                   p_.territory.Call<territory::v1::ListAgenciesResponse>(ctx, kListAgencies, list));
  if (agencies.agencies_size() == 0) return UnitHasNoAgency(resolved.unit().code());
  return Office{std::move(*agencies.mutable_agencies(0)), resolved.unit().name()};
}

absl::StatusOr<pb::Dossier> Handlers::CreateDossier(rpc::Context& ctx, const pb::CreateDossierRequest& request) {
  const auth::Principal& principal = ctx.principal();
  const bool officer = principal.kind == auth::CallerKind::kOfficer;
  if (!officer && principal.person.empty()) return PersonNotChosen();
  if (!officer && !request.filer().empty() && request.filer() != principal.person) return base::PermissionDenied();
  if (officer && request.filer().empty()) return FilerUnknown();
  const Procedure* procedure = p_.catalogue.Find(request.procedure(), Today(ctx));
  if (procedure == nullptr) return ProcedureNotFound(request.procedure());

  DossierRow row;
  row.filer_person = officer ? request.filer() : principal.person;
  absl::StatusOr<identity::v1::Person> person = FetchPerson(ctx, row.filer_person);
  if (absl::IsNotFound(person.status())) return FilerUnknown();
  RETURN_IF_ERROR(person.status());
  row.filer = *std::move(person);

  const std::string unit = request.unit().empty() ? row.filer.address().unit() : request.unit();
  if (unit.empty()) {
    return base::InvalidField("unit",
                              {"Hãy chọn xã, phường nơi nộp hồ sơ.", "Choose the commune where the dossier is filed."});
  }
  ASSIGN_OR_RETURN(const Office office,
                   FindOffice(ctx, unit, request.unit().empty() ? row.filer.address().at() : "", procedure->executor));
  const territory::v1::Agency& agency = office.agency;
  row.unit_name = office.unit_name;
  if (officer && !principal.Has("dossier.file_for", agency.id(), agency.unit())) return base::PermissionDenied();

  const FormDefinition& form = *p_.catalogue.Form(procedure->form);
  ASSIGN_OR_RETURN(Values values, FlattenForm(request.form()));
  if (std::vector<base::FieldViolation> violations = form.Check(values, Today(ctx)); !violations.empty()) {
    return base::InvalidFields(std::move(violations));
  }
  RETURN_IF_ERROR(CheckRequest(request));
  *row.content.mutable_form() = ToStruct(form, values);
  *row.content.mutable_subjects() = request.subjects();
  if (request.subjects().empty()) SubjectsFromForm(values, row.filer_person, row.content);

  row.id = p_.ids.Next();
  row.procedure = procedure->code;
  row.procedure_version = procedure->version;
  row.channel = officer ? Channel::kDesk : Channel::kOnline;
  row.filer_account = officer ? "" : principal.id;
  row.assisting_officer = officer ? principal.id : "";
  row.receiving_agency = row.deciding_agency = agency.id();
  row.unit = agency.unit();
  row.agency_name = agency.name();
  row.external_ids = {request.external_ids().begin(), request.external_ids().end()};
  row.submitted_at = row.step_since = ctx.Now();
  Event event;
  event.kind = EventKind::kSubmit;
  event.actor = {officer ? ActorKind::kOfficer : ActorKind::kCitizen, officer ? principal.id : row.filer_person,
                 RolesFor(principal, row)};
  event.at = row.submitted_at;
  const auto file = [&](db::Tx& tx) -> absl::StatusOr<pb::Dossier> {
    DossierRow filed = row;
    const base::CivilDate today = Today(ctx);
    ASSIGN_OR_RETURN(const int64_t number,
                     p_.store.NextNumber(tx, agency.dossier_prefix(), base::DaysFromCivil(today)));
    ASSIGN_OR_RETURN(filed.code, FormatDossierCode({agency.dossier_prefix(), today, static_cast<int>(number)}));
    ASSIGN_OR_RETURN(const std::vector<TimelineRow> timeline, Transition(tx, event, filed));
    std::vector<AttachmentRow> files;
    RETURN_IF_ERROR(TakeFiles(tx, principal, request.attachments(), filed, FileKind::kPaper, files));
    TellAudit(ctx, filed);
    return Full(View(ctx, filed), filed, timeline, files);
  };
  // What it decides by is locked: the day's number and each file. A commune's filings would else fail for each other's
  // number.
  absl::StatusOr<pb::Dossier> answer = p_.database.Transact(ctx, file, db::Isolation::kReadCommitted);
  if (answer.ok() && !ctx.replayed) p_.metrics.Changed(EventKind::kSubmit);
  return answer;
}

}  // namespace dinh::procedures
