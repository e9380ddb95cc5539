#include "services/gateway/open311/errors.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/status_proto.h"

namespace dinh::gateway::open311 {
namespace {

// Reasons whose status the specification sets, whatever their code.
constexpr std::pair<std::string_view, int> kReasonStatus[] = {
    {"API_KEY_INVALID", 403}, {"CATEGORY_UNKNOWN", 404}, {"TOKEN_UNKNOWN", 404}};
constexpr int kKeptStatuses[] = {401, 403, 404, 405, 408, 413, 429};

int StatusOf(const absl::Status& status, std::string_view reason) {
  for (const auto& [known, code] : kReasonStatus) {
    if (reason == known) return code;
  }
  const int code = HttpStatusOf(status);
  const bool kept =
      code >= 500 || std::find(std::begin(kKeptStatuses), std::end(kKeptStatuses), code) != std::end(kKeptStatuses);
  return kept ? code : 400;
}

// The specification's name of a field of a request message, or of the report that it makes: `statuses[1]` is "status",
// `answers.depth` is "attribute[depth]".
std::string FieldName(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"service_request_ids", "service_request_id"},
                                                                      {"service_codes", "service_code"},
                                                                      {"statuses", "status"},
                                                                      {"start", "start_date"},
                                                                      {"end", "end_date"},
                                                                      {"category", "service_code"}};
  constexpr std::string_view kMap = "attributes[\"";
  if (path.starts_with(kMap) && path.ends_with("\"]")) {
    return "attribute[" + std::string(path.substr(kMap.size(), path.size() - kMap.size() - 2)) + "]";
  }
  constexpr std::string_view kAnswer = "answers.";
  if (path.starts_with(kAnswer)) return "attribute[" + std::string(path.substr(kAnswer.size())) + "]";
  for (const auto& [field, name] : kNames) {
    if (path.substr(0, path.find('[')) == field) return std::string(name);
  }
  return std::string(path);
}

http::Response Render(int code, const base::ErrorDetail& detail, Format format, bool vi) {
  Node errors = List("errors");
  const auto add = [&](std::string_view description) {
    errors.Add(Object("error", {Integer("code", code), Text("description", description)}));
  };
  for (const base::FieldViolation& violation : detail.violations) {
    add(FieldName(violation.field) + ": " + (vi ? violation.description.vi : violation.description.en));
  }
  if (detail.violations.empty()) add(vi ? detail.text.vi : detail.text.en);
  http::Response response;
  response.status = code;
  Write(errors, format, &response);
  AddErrorHeaders(code, detail, vi, &response.headers);
  return response;
}

}  // namespace

void Write(const Node& root, Format format, http::Response* response) {
  const bool json = format == Format::kJson;
  response->body = json ? ToJson(root) : ToXml(root);
  response->headers.Add("Content-Type", json ? "application/json; charset=utf-8" : "text/xml; charset=utf-8");
}

http::Response ErrorResponse(const absl::Status& status, Format format, std::string_view language,
                             std::string_view trace_id) {
  const absl::Status outside = rpc::ForOutside(status, trace_id);
  const base::ErrorDetail detail = base::DetailOf(outside).value_or(base::ErrorDetail{});
  return Render(StatusOf(outside, detail.reason), detail, format, language != "en");
}

http::Response ErrorResponse(const Refusal& refusal, Format format, std::string_view language) {
  const base::ErrorDetail detail = {.reason = std::string(refusal.reason),
                                    .text = {std::string(refusal.vi), std::string(refusal.en)}};
  return Render(refusal.status, detail, format, language != "en");
}

}  // namespace dinh::gateway::open311
