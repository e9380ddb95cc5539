#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/money.h"
#include "libs/base/working_calendar.h"
#include "services/procedures/errors.h"
#include "services/procedures/form_values.h"
#include "services/procedures/handlers/handlers.h"

namespace dinh::procedures {
namespace {

PaperForm FormOf(const std::string& number) {
  if (number == "02") return PaperForm::kSupplement;
  if (number == "03") return PaperForm::kRefusal;
  if (number == "05") return PaperForm::kStop;
  return PaperForm::kReceipt;
}

EventKind EventOf(PaperForm form) {
  switch (form) {
    case PaperForm::kReceipt:
      return EventKind::kAccept;
    case PaperForm::kSupplement:
      return EventKind::kAskSupplement;
    case PaperForm::kRefusal:
      return EventKind::kRefuse;
    case PaperForm::kStop:
      return EventKind::kStop;
  }
  return EventKind::kAccept;
}

// The last time it happened; the paper is of that moment.
const TimelineRow* LastOf(const std::vector<TimelineRow>& timeline, EventKind kind) {
  for (auto it = timeline.rbegin(); it != timeline.rend(); ++it) {
    if (it->change.event == kind) return &*it;
  }
  return nullptr;
}

// Results are promised by the end of the office day.
base::Micros EndOfOffice(base::CivilDate date) {
  const base::OfficeHours hours;
  const int minute = hours.spans.back().end_minute;
  return base::FromVietnam({date, minute / 60, minute % 60, 0});
}

// "UBND xã Hoằng Hóa" is written out on paper.
std::string AgencyInFull(const std::string& name) {
  return name.starts_with("UBND ") ? "Ủy ban nhân dân " + name.substr(5) : name;
}

std::string FeeText(const DossierRow& row) {
  if (row.charge_vnd == 0) return "Miễn phí";
  return base::FormatVnd(row.charge_vnd) + " (" + base::SpellVnd(row.charge_vnd) + ")";
}

std::string ResultPlace(const DossierRow& row, const FormDefinition* form) {
  const auto values = FlattenForm(row.content.form());
  const Field* field = form == nullptr ? nullptr : form->Find("delivery");
  if (!values.ok() || field == nullptr) return "";
  const auto value = values->find("delivery");
  for (const Option& option : field->options) {
    if (value != values->end() && option.value == value->second) return option.label.vi;
  }
  return "";
}

}  // namespace

absl::StatusOr<options::v1::RawBody> Handlers::GetReceipt(rpc::Context& ctx, const pb::GetReceiptRequest& request) {
  const PaperForm paper = FormOf(request.form());
  std::optional<DossierRow> found;
  std::vector<TimelineRow> timeline;
  std::vector<AttachmentRow> files;
  RETURN_IF_ERROR(p_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(found, ctx.InScope(p_.store.ByCode(tx, request.code())));
    ASSIGN_OR_RETURN(timeline, p_.store.Timeline(tx, *found));
    ASSIGN_OR_RETURN(files, p_.store.Attachments(tx, *found));
    return absl::OkStatus();
  }));
  const DossierRow& row = *found;
  const TimelineRow* moment = LastOf(timeline, EventOf(paper));
  if (moment == nullptr) return PaperNotYet();
  const Procedure* procedure = p_.catalogue.FindVersion(row.procedure, row.procedure_version);
  if (procedure == nullptr) return base::Internal("the version of the dossier's procedure is gone");
  const FormDefinition* form = p_.catalogue.Form(procedure->form);

  PaperData data;
  data.agency = AgencyInFull(row.agency_name);
  data.desk = "Bộ phận Tiếp nhận và Trả kết quả";
  data.place = row.unit_name;
  data.issued_at = moment->change.at;
  data.dossier_code = row.code;
  data.filer_name = row.filer.full_name();
  data.filer_address = row.filer.address().text();
  data.filer_phone = row.filer.phone();
  data.procedure_code = procedure->code;
  data.procedure_name = procedure->name;
  if (form != nullptr) data.papers.push_back("Biểu mẫu điện tử: " + form->title().vi);
  for (const AttachmentRow& file : files) {
    const bool handed_in = file.kind == FileKind::kPaper && file.created_at <= moment->change.at;
    if (handed_in && data.papers.size() < kPaperListMax) data.papers.push_back(file.file_name);
  }
  data.time_limit = TimeLimitText(procedure->time_limit, row.channel).vi;
  data.received_at = row.progress.accepted_at;
  if (row.due_date) data.due_at = EndOfOffice(*row.due_date);
  data.result_place = ResultPlace(row, form);
  data.fee = FeeText(row);
  data.officer_name = ActorName(p_.roles, moment->actor_kind, moment->actor_role);
  data.reason = moment->change.reason;
  data.contact = "Bộ phận Tiếp nhận và Trả kết quả, " + row.agency_name;
  if (!row.tracking_token.empty()) data.tracking_url = p_.config.public_url + TrackingPath(row);
  TellAudit(ctx, row);
  options::v1::RawBody body;
  ASSIGN_OR_RETURN(*body.mutable_data(), p_.printer.Print(paper, data));
  body.set_content_type("application/pdf");
  body.set_file_name(PaperFileName(paper));
  return body;
}

}  // namespace dinh::procedures
