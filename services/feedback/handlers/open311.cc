#include "services/feedback/handlers/open311.h"

#include <algorithm>
#include <set>
#include <utility>

#include "libs/base/strings.h"
#include "libs/base/text.h"
#include "services/feedback/board_view.h"
#include "services/feedback/domain/privacy.h"
#include "services/feedback/errors.h"

namespace dinh::feedback {
namespace {

constexpr base::Micros kSpanMax = 90 * 24 * kHour;  // of the specification
constexpr int64_t kRequestsMax = 1000;              // likewise, all pages of an answer together
constexpr int kPageSizeDefault311 = 50;
constexpr int kUpdateRowsMax = 500;  // reports whose updates are looked through
constexpr int kUpdatesMax = 1000;
constexpr int64_t kDescriptionMin = 5;  // code points, as for every report
constexpr size_t kUpdateIdBytes = 16;

const std::string& In(const base::Text& text, bool english) { return english && !text.en.empty() ? text.en : text.vi; }

bool Offered(const Category& category) { return category.kind == Kind::kReport; }

absl::Status ApiKeyInvalid() {
  return base::Error(absl::StatusCode::kPermissionDenied, "API_KEY_INVALID",
                     {"Khóa api_key không đúng hoặc thiếu. Hãy xin khóa của nơi vận hành.",
                      "The api_key is wrong or missing. Ask whoever runs this platform for one."});
}

absl::Status TokenUnknown() {
  return base::NotFound("TOKEN_UNKNOWN",
                        {"Không có phản ánh công khai nào cho mã này.", "There is no public report for this token."});
}

absl::Status SpanTooLong() {
  return base::InvalidField("start_date", {"Khoảng thời gian phải đúng thứ tự và không quá 90 ngày.",
                                           "The dates must be in order and span at most 90 days."});
}

void AddValues(const Question& question, bool english, pb::Attribute* attribute) {
  if (question.type == QuestionType::kYesNo) {
    for (const auto& [key, label] :
         {std::pair<std::string, base::Text>{"true", {"Có", "Yes"}}, {"false", {"Không", "No"}}}) {
      pb::AttributeValue* value = attribute->add_values();
      value->set_key(key);
      value->set_name(In(label, english));
    }
  }
  for (const Option& option : question.options) {
    pb::AttributeValue* value = attribute->add_values();
    value->set_key(option.value);
    value->set_name(In(option.label, english));
  }
}

std::string_view DatatypeOf(QuestionType type) {
  switch (type) {
    case QuestionType::kText:
      return "text";
    case QuestionType::kNumber:
      return "number";
    case QuestionType::kChoice:
    case QuestionType::kYesNo:
      return "singlevaluelist";
  }
  return "string";
}

// "v-quang-trung-15952.12" is a house, "v-quang-trung-15952" a village, "15865" a commune.
void SetAddress(const pb::CreateServiceRequestRequest& request, pb::Place* place) {
  if (request.has_lat() && request.has_long_()) {
    place->mutable_point()->set_lat(request.lat());
    place->mutable_point()->set_lng(request.long_());
  }
  place->set_note(request.address_string());
  const std::string& id = request.address_id();
  id.find('.') == std::string::npos ? place->set_unit(id) : place->set_house_code(id);
}

// The time asked for. Both ends given: at most 90 days; one given: the 90 days next to it; none: the last 90.
struct Span {
  base::Micros from = 0;
  base::Micros to = 0;
};
absl::StatusOr<Span> SpanOf(int64_t start, int64_t end, base::Micros now) {
  Span span{start, end};
  if (start <= 0 && end <= 0) span = {now - kSpanMax, now + 1};
  if (start > 0 && end <= 0) span.to = std::min(now + 1, start + kSpanMax);
  if (start <= 0 && end > 0) span.from = end - kSpanMax;
  const bool both = start > 0 && end > 0;
  if (both && (span.from > span.to || span.to - span.from > kSpanMax)) return SpanTooLong();
  return span;
}

std::vector<State> StatesOf(const google::protobuf::RepeatedPtrField<std::string>& statuses) {
  std::vector<State> states;
  const bool open = std::find(statuses.begin(), statuses.end(), "open") != statuses.end();
  const bool closed = std::find(statuses.begin(), statuses.end(), "closed") != statuses.end();
  if (open == closed) return states;
  for (int number = 1; number <= static_cast<int>(State::kClosed); ++number) {
    const auto state = static_cast<State>(number);
    if (IsOpen(state) == open) states.push_back(state);
  }
  return states;
}

std::string StatusOf(State state) { return IsOpen(state) ? "open" : "closed"; }

// What an office said last.
std::string NotesOf(const BoardRow& row, bool english) {
  for (auto line = row.lines.rbegin(); line != row.lines.rend(); ++line) {
    if (line->actor == pb::Update::ACTOR_OFFICER && !line->text.empty()) return line->text;
  }
  return std::string(english ? StateNameEn(row.state) : StateNameVi(row.state));
}

pb::ServiceRequestUpdate UpdateOf(const BoardRow& row, const BoardLine& line, bool english) {
  pb::ServiceRequestUpdate update;
  update.set_update_id(UpdateId(row, line.position));
  update.set_service_request_id(row.code);
  update.set_status(StatusOf(line.state));
  update.set_updated_at(line.shown_at);
  const std::string_view state = english ? StateNameEn(line.state) : StateNameVi(line.state);
  update.set_description(line.text.empty() ? std::string(state) : line.text);
  return update;
}

}  // namespace

void Open311Handlers::Register(rpc::MethodTable& table) {
  const std::string service = "dinh.feedback.v1.Open311Service.";
  table.Unary(service + "ListServices", this, &Open311Handlers::ListServices);
  table.Unary(service + "GetServiceDefinition", this, &Open311Handlers::GetServiceDefinition);
  table.Unary(service + "CreateServiceRequest", this, &Open311Handlers::CreateServiceRequest);
  table.Unary(service + "ListServiceRequests", this, &Open311Handlers::ListServiceRequests);
  table.Unary(service + "GetToken", this, &Open311Handlers::GetToken);
  table.Unary(service + "ListServiceRequestUpdates", this, &Open311Handlers::ListServiceRequestUpdates);
  table.Unary(service + "CreateServiceRequestUpdate", this, &Open311Handlers::CreateServiceRequestUpdate);
}

absl::StatusOr<std::string> Open311Handlers::ClientOf(const rpc::Context& ctx, const std::string& api_key) const {
  if (api_key.empty() && !ctx.principal().anonymous()) return std::string();
  const std::optional<std::string> owner = p_.keys.OwnerOf(api_key);
  if (!owner) return ApiKeyInvalid();
  return *owner;
}

absl::StatusOr<pb::ListServicesResponse> Open311Handlers::ListServices(rpc::Context& ctx,
                                                                       const pb::ListServicesRequest&) {
  const bool english = ctx.language == "en";
  pb::ListServicesResponse response;
  for (const Category* leaf : p_.data.categories.leaves()) {
    if (!Offered(*leaf)) continue;
    pb::Service* service = response.add_services();
    service->set_service_code(leaf->id);
    service->set_service_name(In(leaf->name, english));
    service->set_description(In(leaf->description, english));
    service->set_metadata(!leaf->questions.empty());
    service->set_type("realtime");
    service->set_keywords(base::Join(leaf->keywords, ","));
    service->set_group(leaf->group);
  }
  return response;
}

absl::StatusOr<pb::ServiceDefinition> Open311Handlers::GetServiceDefinition(
    rpc::Context& ctx, const pb::GetServiceDefinitionRequest& request) {
  const Category* category = p_.data.categories.Find(request.service_code());
  if (category == nullptr || !Offered(*category)) return CategoryUnknown();
  const bool english = ctx.language == "en";
  pb::ServiceDefinition definition;
  definition.set_service_code(category->id);
  for (const Question& question : category->questions) {
    pb::Attribute* attribute = definition.add_attributes();
    attribute->set_variable(true);
    attribute->set_code(question.id);
    attribute->set_datatype(std::string(DatatypeOf(question.type)));
    attribute->set_required(question.required);
    attribute->set_order(definition.attributes_size());
    attribute->set_description(In(question.label, english));
    AddValues(question, english, attribute);
  }
  return definition;
}

absl::StatusOr<pb::CreateServiceRequestResponse> Open311Handlers::CreateServiceRequest(
    rpc::Context& ctx, const pb::CreateServiceRequestRequest& request) {
  ForeignOrigin origin;
  ASSIGN_OR_RETURN(origin.client, ClientOf(ctx, request.api_key()));
  const Category* category = p_.data.categories.Find(request.service_code());
  if (category == nullptr || !Offered(*category)) return CategoryUnknown();
  if (base::CodePoints(request.description()) < kDescriptionMin) {
    return base::InvalidField(
        "description", {"Hãy mô tả sự việc bằng ít nhất 5 ký tự.", "Describe the matter in at least 5 characters."});
  }
  origin.name = std::string(base::Trim(request.last_name() + " " + request.first_name()));
  origin.phone = request.phone();
  origin.account_id = request.account_id();
  origin.media_url = request.media_url();
  pb::CreateReportRequest report;
  report.set_category(category->id);
  report.set_description(request.description());
  SetAddress(request, report.mutable_place());
  *report.mutable_answers() = request.attributes();
  if (origin.client.empty()) {
    report.set_caller_name(origin.name);
    report.set_caller_phone(origin.phone);
  }
  ASSIGN_OR_RETURN(const pb::Report made, p_.intake.Make(ctx, report, origin));
  pb::CreateServiceRequestResponse response;
  response.set_service_request_id(made.id());
  const std::string hours = std::to_string(category->answer_hours);
  response.set_service_notice(ctx.language == "en" ? "Answered within " + hours + " working hours."
                                                   : "Được trả lời trong " + hours + " giờ làm việc.");
  return response;
}

absl::StatusOr<std::vector<BoardRow>> Open311Handlers::ByIds(
    rpc::Context& ctx, const google::protobuf::RepeatedPtrField<std::string>& ids) const {
  return p_.database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<std::vector<BoardRow>> {
    std::vector<BoardRow> rows;
    std::set<std::string> seen;
    for (const std::string& id : ids) {
      const std::string code = ParsePublicCode(id).value_or("");
      if (!seen.insert(code).second) continue;
      ASSIGN_OR_RETURN(std::optional<BoardRow> row, p_.board.ByCode(tx, code));
      if (row) rows.push_back(*std::move(row));
    }
    return rows;
  });
}

pb::ServiceRequest Open311Handlers::ToProto(rpc::Context& ctx, const BoardRow& row) const {
  const bool english = ctx.language == "en";
  pb::ServiceRequest out;
  out.set_service_request_id(row.code);
  out.set_status(StatusOf(row.state));
  out.set_status_notes(NotesOf(row, english));
  out.set_service_code(row.category);
  if (const Category* category = p_.data.categories.Find(row.category)) {
    out.set_service_name(In(category->name, english));
  }
  out.set_description(row.text);
  out.set_agency_responsible(p_.names.AgencyName(ctx, row.agency));
  out.set_requested_at(row.shown_at);
  out.set_updated_at(row.changed_at);
  out.set_expected_at(row.expected_at.value_or(0));
  out.set_address(row.place);
  if (row.point) {
    out.set_lat(row.point->lat);
    out.set_long_(row.point->lon);
    out.set_has_point(true);
  }
  if (!row.photos.empty()) out.set_media_path("/v1/report-photos/" + row.photos.front().id);
  return out;
}

absl::StatusOr<pb::ListServiceRequestsResponse> Open311Handlers::ListServiceRequests(
    rpc::Context& ctx, const pb::ListServiceRequestsRequest& request) {
  std::vector<BoardRow> rows;
  if (!request.service_request_ids().empty()) {
    ASSIGN_OR_RETURN(rows, ByIds(ctx, request.service_request_ids()));
  } else {
    BoardFilter filter;
    filter.categories = {request.service_codes().begin(), request.service_codes().end()};
    filter.states = StatesOf(request.statuses());
    ASSIGN_OR_RETURN(const Span span, SpanOf(request.start(), request.end(), ctx.Now()));
    filter.from = span.from;
    filter.to = span.to;
    const int64_t size = request.page_size() == 0 ? kPageSizeDefault311 : request.page_size();
    const int64_t skipped = (std::max(request.page(), 1) - 1) * size;
    const int64_t wanted = std::min(size, kRequestsMax - skipped);
    if (wanted > 0) {
      ASSIGN_OR_RETURN(rows, p_.database.Read(ctx, [&](db::Tx& tx) {
        return p_.board.Section(tx, filter, static_cast<int>(skipped), static_cast<int>(wanted));
      }));
    }
  }
  pb::ListServiceRequestsResponse response;
  for (const BoardRow& row : rows) *response.add_requests() = ToProto(ctx, row);
  return response;
}

absl::StatusOr<pb::GetTokenResponse> Open311Handlers::GetToken(rpc::Context& ctx, const pb::GetTokenRequest& request) {
  // Ids are given at once, so a token is the id itself; of what is not public nothing is told.
  const std::string code = ParsePublicCode(request.token()).value_or("");
  ASSIGN_OR_RETURN(const std::optional<BoardRow> row,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.ByCode(tx, code); }));
  if (!row) return TokenUnknown();
  pb::GetTokenResponse response;
  response.set_service_request_id(row->code);
  response.set_token(request.token());
  return response;
}

absl::StatusOr<pb::ListServiceRequestUpdatesResponse> Open311Handlers::ListServiceRequestUpdates(
    rpc::Context& ctx, const pb::ListServiceRequestUpdatesRequest& request) {
  ASSIGN_OR_RETURN(Span span, SpanOf(request.start(), request.end(), ctx.Now()));
  const bool by_ids = !request.service_request_ids().empty();
  const bool any_time = by_ids && request.start() <= 0 && request.end() <= 0;
  // Of anonymous reports only days are known: a line of a day that the span touches belongs to it, and whoever asks
  // often meets it again under the same id.
  const base::Micros first_day = DayOf(span.from);
  std::vector<BoardRow> rows;
  if (by_ids) {
    ASSIGN_OR_RETURN(rows, ByIds(ctx, request.service_request_ids()));
  } else {
    ASSIGN_OR_RETURN(rows, p_.database.Read(ctx, [&](db::Tx& tx) {
      return p_.board.Changed(tx, first_day, ctx.Now() + 1, kUpdateRowsMax);
    }));
  }
  std::vector<pb::ServiceRequestUpdate> updates;
  for (const BoardRow& row : rows) {
    for (const BoardLine& line : row.lines) {
      if (line.event == EventName(EventKind::kSubmit)) continue;
      const base::Micros from = row.anonymous ? first_day : span.from;
      if (!any_time && (line.shown_at < from || line.shown_at >= span.to)) continue;
      updates.push_back(UpdateOf(row, line, ctx.language == "en"));
    }
  }
  std::stable_sort(updates.begin(), updates.end(),
                   [](const auto& a, const auto& b) { return a.updated_at() > b.updated_at(); });
  if (updates.size() > kUpdatesMax) updates.resize(kUpdatesMax);
  pb::ListServiceRequestUpdatesResponse response;
  for (pb::ServiceRequestUpdate& update : updates) *response.add_updates() = std::move(update);
  return response;
}

absl::StatusOr<pb::CreateServiceRequestUpdateResponse> Open311Handlers::CreateServiceRequestUpdate(
    rpc::Context& ctx, const pb::CreateServiceRequestUpdateRequest& request) {
  const std::optional<std::string> client = p_.keys.OwnerOf(request.api_key());
  if (!client) return ApiKeyInvalid();
  // A client that numbers nothing is known by its request, if by anything.
  std::string id = request.update_id();
  if (id.empty() && ctx.claim != nullptr) id = "request:" + ctx.claim->request_id;
  if (id.empty()) id = base::HexEncode(p_.random.Bytes(kUpdateIdBytes));
  pb::CreateServiceRequestUpdateResponse response;
  ASSIGN_OR_RETURN(*response.mutable_update_id(),
                   p_.intake.AddForeignUpdate(ctx, request.service_request_id(), *client, id, request.description()));
  // The same request again was not run again: its update is found by its id.
  if (response.update_id().empty()) {
    ASSIGN_OR_RETURN(*response.mutable_update_id(),
                     p_.intake.AddForeignUpdate(ctx, request.service_request_id(), *client, id, request.description()));
  }
  return response;
}

}  // namespace dinh::feedback
