#include <algorithm>

#include "libs/base/civil.h"
#include "services/procedures/documents/qr.h"
#include "services/procedures/errors.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

// What of a person a form may be filled with ("no declaring twice").
std::string Known(const identity::v1::Person& person, const std::string& source) {
  if (source == "person.full_name") return person.full_name();
  if (source == "person.personal_number") return person.personal_number();
  if (source == "person.birth_date") return person.birth_date();
  if (source == "person.phone") return person.phone();
  if (source == "person.address") return person.address().text();
  if (source == "person.unit") return person.address().unit();
  return "";
}

}  // namespace

absl::StatusOr<pb::ListProceduresResponse> Handlers::ListProcedures(rpc::Context& ctx,
                                                                    const pb::ListProceduresRequest& request) {
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string after, p_.page_tokens.Open(ctx, request));
  const std::vector<const Procedure*> found = p_.catalogue.Search(request.query(), request.field(), Today(ctx));
  auto it = found.begin();
  if (!after.empty()) {
    it = std::find_if(found.begin(), found.end(), [&](const Procedure* p) { return p->code == after; });
    if (it != found.end()) ++it;
  }
  pb::ListProceduresResponse response;
  for (; it != found.end() && response.procedures_size() < size; ++it) *response.add_procedures() = ToProto(**it);
  if (it != found.end() && response.procedures_size() > 0) {
    response.set_next_page_token(p_.page_tokens.Seal(ctx, request, response.procedures().rbegin()->code()));
  }
  return response;
}

absl::StatusOr<pb::Procedure> Handlers::GetProcedure(rpc::Context& ctx, const pb::GetProcedureRequest& request) {
  const Procedure* procedure = p_.catalogue.Find(request.code(), base::ParseDate(request.at()).value_or(Today(ctx)));
  if (procedure == nullptr) return ProcedureNotFound(request.code());
  return ToProto(*procedure);
}

absl::StatusOr<options::v1::RawBody> Handlers::GetProcedureQr(rpc::Context& ctx,
                                                              const pb::GetProcedureQrRequest& request) {
  const Procedure* procedure = p_.catalogue.Find(request.code(), Today(ctx));
  if (procedure == nullptr) return ProcedureNotFound(request.code());
  const std::string url = p_.config.public_url + "/procedures/" + procedure->code;
  options::v1::RawBody body;
  if (request.format() == "png") {
    ASSIGN_OR_RETURN(*body.mutable_data(), QrPng(url, kQrModulePx));
    body.set_content_type("image/png");
  } else {
    ASSIGN_OR_RETURN(*body.mutable_data(), QrSvg(url));
    body.set_content_type("image/svg+xml");
  }
  body.set_cache_seconds(kQrCacheSeconds);
  return body;
}

absl::StatusOr<pb::FormDefinition> Handlers::GetForm(rpc::Context& ctx, const pb::GetFormRequest& request) {
  const Procedure* procedure = p_.catalogue.Find(request.code(), Today(ctx));
  const FormDefinition* form = procedure == nullptr ? nullptr : p_.catalogue.Form(procedure->form);
  if (form == nullptr) return ProcedureNotFound(request.code());
  pb::FormDefinition out = ToProto(*form, ctx.language == "en");
  auto& prefill = *out.mutable_prefill()->mutable_fields();
  for (const Section& section : form->sections()) {
    for (const Field& field : section.fields) {
      if (!field.default_value.empty()) prefill[field.id].set_string_value(field.default_value);
    }
  }
  if (ctx.principal().kind == auth::CallerKind::kCitizen && !ctx.principal().person.empty()) {
    // Without identity the form is still a form: only the convenience is missing.
    const identity::v1::Person person = FetchPerson(ctx, ctx.principal().person).value_or(identity::v1::Person());
    for (const Section& section : form->sections()) {
      for (const Field& field : section.fields) {
        const std::string value = field.prefill.empty() ? "" : Known(person, field.prefill);
        if (!value.empty()) prefill[field.id].set_string_value(value);
      }
    }
  }
  return out;
}

}  // namespace dinh::procedures
