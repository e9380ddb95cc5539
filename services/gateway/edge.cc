// From a request to the call it means, and what every answer gets.
#include "services/gateway/edge.h"

#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/multipart.h"
#include "libs/telemetry/traceparent.h"
#include "services/gateway/binding.h"
#include "services/gateway/connect.h"
#include "services/gateway/content_hash.h"
#include "services/gateway/session.h"

namespace dinh::gateway {
namespace {

// Answers of the API are data: a browser that opens one by mistake runs and loads nothing.
constexpr std::string_view kDataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";
// Pages of ours: everything from here, nothing inline.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";
constexpr std::string_view kHstsValue = "max-age=31536000; includeSubDomains";
constexpr std::string_view kCorsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr std::string_view kCorsHeaders =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Accept-Language, Last-Event-ID, "
    "traceparent, Upload-Offset, "
    "Connect-Protocol-Version, Connect-Timeout-Ms";
constexpr std::string_view kCorsExposed =
    "ETag, Retry-After, RateLimit, Location, traceparent, Upload-Offset, Upload-Length";
// Around the file of an upload: part headers and small form fields.
constexpr uint64_t kMultipartOverheadBytes = 64 * base::kKiB;

// As the tus protocol names a body that begins at an offset.
bool IsOffsetStream(std::string_view content_type) {
  return http::EqualsIgnoreCase(base::Trim(content_type.substr(0, content_type.find(';'))),
                                "application/offset+octet-stream");
}

bool IsMultipart(std::string_view content_type) { return http::MultipartBoundary(content_type).ok(); }

// Accept is looked at only where it plainly excludes JSON.
bool AcceptsJson(const http::HeaderList& headers) {
  const std::string_view accept = headers.Get("accept");
  if (accept.empty()) return true;
  for (const std::string_view good : {"*/*", "application/json", "application/*", "application/problem+json"}) {
    if (accept.find(good) != std::string_view::npos) return true;
  }
  return false;
}

std::string Joined(const std::vector<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) {
    text += (text.empty() ? "" : ", ") + method;
    if (method == "GET") text += ", HEAD";
  }
  return text;
}

}  // namespace

struct Edge::Target {
  enum class Kind { kNothing, kWrongMethod, kRoute, kConnect, kOpen311, kPage, kHealth, kReady, kOptions };
  Kind kind = Kind::kNothing;
  RouteTable::Match match;
  const Endpoint* rpc = nullptr;
  const Page* page = nullptr;
  open311::Match open311;
  std::string allow;  // kWrongMethod, kOptions
};

Edge::Edge(EdgeParts parts, EdgeOptions options, std::unique_ptr<RouteTable> routes)
    : parts_(parts),
      options_(std::move(options)),
      routes_(std::move(routes)),
      series_(new std::atomic<HttpMetrics::Series*>[routes_->routes().size() + routes_->endpoints().size()]()),
      other_series_(parts_.metrics.Of("any", "other")),
      has_open311_(routes_->FindRpc(open311::kServicePath) != nullptr) {
  for (http::ResponseHeaders* headers : {&data_headers_, &page_headers_}) {
    headers->Add("X-Content-Type-Options", "nosniff");
    headers->Add("Referrer-Policy", "no-referrer");
    headers->Add("Cross-Origin-Opener-Policy", "same-origin");
    // Scanning a procedure's QR code needs the camera, a report of a place the position; nothing else is asked for.
    headers->Add("Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()");
    headers->Add("Content-Security-Policy", headers == &data_headers_ ? kDataPolicy : kPagePolicy);
  }
  public_json_headers_.Add("Content-Type", "application/json");
  public_json_headers_.Add("Cache-Control", "public, max-age=60");
  public_json_headers_.Add("Vary", "Accept-Language, Authorization, Cookie");
  private_json_headers_.Add("Content-Type", "application/json");
  private_json_headers_.Add("Cache-Control", "no-store");
}

HttpMetrics::Series& Edge::SeriesOf(const Route* route, const Endpoint& endpoint) const {
  const size_t index = route != nullptr ? route->index : routes_->routes().size() + endpoint.index;
  HttpMetrics::Series* series = series_[index].load(std::memory_order_acquire);
  if (series == nullptr) {
    // Two threads may both get here: Of() gives both the same one.
    series = route != nullptr ? &parts_.metrics.Of(route->http_method, route->label)
                              : &parts_.metrics.Of("POST", endpoint.entry().path);
    series_[index].store(series, std::memory_order_release);
  }
  return *series;
}

Edge::~Edge() = default;

void Edge::AddPage(std::string path, Page page) {
  auto entry = std::make_unique<std::pair<std::string, Page>>(std::move(path), std::move(page));
  if (entry->second.etag.empty()) entry->second.etag = "\"" + ContentTag(*entry->second.body) + "\"";
  const std::string_view key = entry->first;
  pages_.erase(key);  // the key is a view into its own entry
  pages_.emplace(key, std::move(entry));
}

Edge::Target Edge::Resolve(const http::Request& http) const {
  Target target;
  const bool reading = http.method == http::Method::kGet || http.method == http::Method::kHead;
  const bool api = http.path.starts_with("/v1/");
  if (!api) {
    if (http.path == "/healthz" || http.path == "/readyz") {
      target.kind = http.path == "/healthz" ? Target::Kind::kHealth : Target::Kind::kReady;
      return target;
    }
    if (const auto page = pages_.find(http.path); page != pages_.end()) {
      target.page = &page->second->second;
      target.allow = "GET, HEAD";
      target.kind = reading ? Target::Kind::kPage : Target::Kind::kWrongMethod;
      return target;
    }
    if (IsOpen311(http)) {
      target.open311 = open311::FindOperation(http.method, http.path);
      target.allow = target.open311.allow;
      const bool options = http.method == http::Method::kOptions && !target.allow.empty();
      target.kind = options ? Target::Kind::kOptions : Target::Kind::kOpen311;
      return target;
    }
    if (const Endpoint* rpc = routes_->FindRpc(http.path)) {
      target.rpc = rpc;
      target.allow = rpc->read_only ? "POST, GET" : "POST";
      const bool get = http.method == http::Method::kGet && rpc->read_only;
      const bool good = (http.method == http::Method::kPost || get) && rpc->kind == Endpoint::Kind::kUnary;
      target.kind = good ? Target::Kind::kConnect : Target::Kind::kWrongMethod;
      if (http.method == http::Method::kOptions) target.kind = Target::Kind::kOptions;
      return target;
    }
  }
  target.match = routes_->Find(http.method_name, http.path);
  const bool events = target.match.route != nullptr && target.match.route->endpoint->kind == Endpoint::Kind::kEvents;
  if (events && http.method == http::Method::kHead) {
    target.allow = "GET";  // a stream has no length to ask for
    target.kind = Target::Kind::kWrongMethod;
  } else if (target.match.route != nullptr) {
    target.kind = Target::Kind::kRoute;
  } else if (const Page* app = AppPage(http); app != nullptr && !api && reading) {
    target.page = app;
    target.kind = Target::Kind::kPage;
  } else if (!target.match.allowed.empty()) {
    target.allow = Joined(target.match.allowed);
    const bool options = http.method == http::Method::kOptions;
    target.kind = options ? Target::Kind::kOptions : Target::Kind::kWrongMethod;
  }
  return target;
}

bool Edge::IsOpen311(const http::Request& http) const {
  return has_open311_ && http.path.starts_with(open311::kPrefix);
}

// Addresses within the web app (a scanned procedure, a bookmark) are the app's own to read.
const Page* Edge::AppPage(const http::Request& http) const {
  if (!has_app_) return nullptr;
  const auto page = pages_.find("/");
  const bool navigation = http.headers.Get("accept").find("text/html") != std::string_view::npos;
  return page != pages_.end() && navigation ? &page->second->second : nullptr;
}

// What can be said about a request before its body is read.
std::optional<Refusal> Edge::RefusalOf(const Target& target, const http::Request& http) const {
  const std::string_view type = http.headers.Get("content-type");
  switch (target.kind) {
    case Target::Kind::kNothing:
      return kNoSuchRoute;
    case Target::Kind::kWrongMethod:
      return kMethodNotAllowed;
    case Target::Kind::kConnect:
      if (http.method == http::Method::kPost && !IsConnectType(type)) return kUnsupportedType;
      return std::nullopt;
    case Target::Kind::kOpen311:
      if (target.open311.refusal != nullptr) return *target.open311.refusal;
      if (target.open311.operation->method == http::Method::kGet || !http.has_body) return std::nullopt;
      return open311::IsFormType(type) ? std::nullopt : std::optional(open311::kFormNeeded);
    case Target::Kind::kRoute:
      break;
    default:
      return std::nullopt;
  }
  const Route& route = *target.match.route;
  const Endpoint& endpoint = *route.endpoint;
  if (endpoint.kind == Endpoint::Kind::kUpload) {
    const bool good = endpoint.stream_offset != nullptr ? IsOffsetStream(type) : IsMultipart(type);
    if (!good) return kUnsupportedType;
  } else if (http.has_body && !endpoint.signed_request && route.body != Route::Body::kNone && !IsJson(type)) {
    const bool raw = route.body_field != nullptr && route.body_field->message != nullptr &&
                     route.body_field->message->descriptor->full_name() == "dinh.options.v1.RawBody";
    if (!raw) return kUnsupportedType;
  }
  if (endpoint.kind == Endpoint::Kind::kUnary && !endpoint.raw_response && !AcceptsJson(http.headers)) {
    return kNotAcceptable;
  }
  return std::nullopt;
}

http::Response Edge::RefusedTarget(const Target& target, const http::Request& http) const {
  const Refusal refusal = *RefusalOf(target, http);
  const std::string_view language = ChooseLanguage(http.headers.Get("accept-language"));
  const std::string trace_id = telemetry::NewTrace(parts_.random, false).trace_id;
  http::Response response = target.kind == Target::Kind::kOpen311
                                ? open311::ErrorResponse(refusal, target.open311.format, language)
                                : Problem(refusal, language, trace_id);
  if (refusal.status == 405) response.headers.Add("Allow", target.allow);
  std::string_view label = "other";
  HttpMetrics::Series* series = &other_series_;
  if (target.kind == Target::Kind::kRoute) {
    label = target.match.route->label;
    series = &SeriesOf(target.match.route, *target.match.route->endpoint);
  } else if (const open311::Operation* operation = target.open311.operation) {
    label = operation->label;
    series = &parts_.metrics.Of(operation->method_name(), label);
  }
  LogRefused(label, refusal.status, refusal.reason, trace_id);
  series->Observe(refusal.status, http.received, parts_.pipeline.clock().Steady());
  return response;
}

http::BodyPlan Edge::PlanBody(const http::Request& head) {
  auto target = std::make_shared<Target>(Resolve(head));
  if (RefusalOf(*target, head).has_value()) {
    http::Response response = RefusedTarget(*target, head);
    Complete(head, false, &response.headers);
    return http::BodyPlan::Reject(std::move(response));
  }
  const bool upload =
      target->kind == Target::Kind::kRoute && target->match.route->endpoint->kind == Endpoint::Kind::kUpload;
  const uint64_t buffered = target->kind == Target::Kind::kOpen311 ? open311::kFormBytesMax : base::kJsonBodyBytesMax;
  http::BodyPlan plan =
      upload ? http::BodyPlan::Read(base::kUploadBytesMax + kMultipartOverheadBytes) : http::BodyPlan::Buffer(buffered);
  plan.context = std::move(target);
  return plan;
}

void Edge::OnRequest(http::ExchangePtr exchange) {
  const http::Request& http = exchange->request();
  const auto* planned = static_cast<const Target*>(exchange->context().get());
  const Target target = planned != nullptr ? *planned : Resolve(http);
  switch (target.kind) {
    case Target::Kind::kNothing:
    case Target::Kind::kWrongMethod:
      return Reply(exchange, RefusedTarget(target, http));
    case Target::Kind::kPage:
      return Reply(exchange, PageResponse(http, *target.page), target.page->html);
    case Target::Kind::kHealth:
      return Reply(exchange, HealthResponse(false));
    case Target::Kind::kReady:
      return Reply(exchange, HealthResponse(true));
    case Target::Kind::kOptions:
      return Reply(exchange, OptionsResponse(target, http));
    case Target::Kind::kRoute:
    case Target::Kind::kConnect:
    case Target::Kind::kOpen311:
      break;
  }
  if (planned == nullptr && RefusalOf(target, http).has_value()) {
    return Reply(exchange, RefusedTarget(target, http));
  }
  if (target.kind == Target::Kind::kOpen311) return StartOpen311(std::move(exchange), target.open311);
  EdgeCall call;
  call.exchange = std::move(exchange);
  call.route = target.match.route;
  call.endpoint = call.route != nullptr ? call.route->endpoint : target.rpc;
  call.segments = target.match.segments;
  call.series = &SeriesOf(call.route, *call.endpoint);
  Prepare(call);
  Dispatch(std::move(call));
}

void Edge::Prepare(EdgeCall& call) const {
  const http::Request& http = call.http();
  rpc::CallHead& head = call.head;
  head.credentials.address = std::string(http.client_address);
  head.language = ChooseLanguage(http.headers.Get("accept-language"));
  if (const auto trace = telemetry::ParseTraceparent(http.headers.Get("traceparent"))) head.trace = *trace;
  std::string_view key = http.headers.Get("idempotency-key");
  // The draft writes it as a structured string, clients mostly without the quotes.
  if (key.size() > 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
  head.request_id = std::string(key);
  std::string_view token = BearerToken(http.headers);
  // A login must not fail because of the cookies of the login before.
  if (token.empty() && http.headers.Get("authorization").empty() && !call.endpoint->issues_tokens) {
    if (const auto cookie = FindCookie(http.headers, kAccessCookie)) {
      token = *cookie;
      call.by_cookie = !token.empty();
    }
  }
  call.credentials = !token.empty() || !http.headers.Get("authorization").empty();
  if (call.credentials) head.credentials.kind = rpc::Credentials::Kind::kBearer;
  head.credentials.value = std::string(token);
}

void Edge::Dispatch(EdgeCall call) const {
  if (call.endpoint->kind == Endpoint::Kind::kUnary && call.endpoint->method->light()) return Run(call);
  auto shared = std::make_shared<EdgeCall>(std::move(call));
  const auto run = [this, shared] { Run(*shared); };
  // An upload waits for its client: slow ones must not take every thread.
  const bool upload = shared->endpoint->kind == Endpoint::Kind::kUpload;
  const absl::Status queued = upload ? parts_.pool.RunLong(run) : parts_.pool.Run(run);
  if (!queued.ok()) AnswerProblem(*shared, queued);
}

void Edge::Run(EdgeCall& call) const {
  if (const absl::Status session = CheckSession(call); !session.ok()) return AnswerProblem(call, session);
  if (call.open311.operation != nullptr) return RunOpen311(call);
  if (call.route == nullptr) return RunConnect(call);
  switch (call.endpoint->kind) {
    case Endpoint::Kind::kUnary:
      return RunUnary(call);
    case Endpoint::Kind::kUpload:
      return RunUpload(call);
    case Endpoint::Kind::kEvents:
      return RunEvents(call);
  }
}

http::Response Edge::PageResponse(const http::Request& http, const Page& page) const {
  http::Response response;
  response.headers.Add("ETag", page.etag);
  response.headers.Add("Cache-Control", "no-cache");
  if (http.headers.Get("if-none-match").find(page.etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  response.headers.Add("Content-Type", page.content_type);
  response.shared = page.body;
  return response;
}

http::Response Edge::HealthResponse(bool readiness) const {
  const bool good = !readiness || !options_.ready || options_.ready();
  http::Response response;
  response.status = good ? 200 : 503;
  response.headers.Add("Content-Type", "application/json");
  response.headers.Add("Cache-Control", "no-store");
  response.body = good ? "{\"status\":\"ok\"}" : "{\"status\":\"not_ready\"}";
  return response;
}

http::Response Edge::OptionsResponse(const Target& target, const http::Request& http) const {
  http::Response response;
  response.status = 204;
  response.headers.Add("Allow", target.allow + ", OPTIONS");
  if (!http.headers.Get("access-control-request-method").empty()) {
    response.headers.Add("Access-Control-Allow-Methods", kCorsMethods);
    response.headers.Add("Access-Control-Allow-Headers", kCorsHeaders);
    response.headers.Add("Access-Control-Max-Age", "600");
  }
  return response;
}

http::Response Edge::OnProtocolError(http::ProtocolError error, const http::Request* head) {
  const http::ProtocolErrorInfo& info = http::Describe(error);
  const std::string_view language = head == nullptr ? "vi" : ChooseLanguage(head->headers.Get("accept-language"));
  const Refusal refusal = {info.status, info.reason, info.vi, info.en};
  http::Response response =
      head != nullptr && IsOpen311(*head)
          ? open311::ErrorResponse(refusal, open311::FindOperation(head->method, head->path).format, language)
          : Problem(refusal, language, telemetry::NewTrace(parts_.random, false).trace_id);
  if (info.status == 503) response.headers.Add("Retry-After", "1");
  if (head != nullptr) {
    Complete(*head, false, &response.headers);
  } else {
    response.headers.AddAll(data_headers_);
  }
  other_series_.Observe(info.status, parts_.pipeline.clock().Steady(), parts_.pipeline.clock().Steady());
  return response;
}

void Edge::Reply(const http::ExchangePtr& exchange, http::Response response, bool page) const {
  Complete(exchange->request(), page, &response.headers);
  exchange->Respond(std::move(response));
}

void Edge::Complete(const http::Request& http, bool page, http::ResponseHeaders* headers) const {
  headers->AddAll(page ? page_headers_ : data_headers_);
  if (options_.hsts && http.is_https) headers->Add("Strict-Transport-Security", kHstsValue);
  if (options_.cors_origins.empty()) return;
  headers->Add("Vary", "Origin");
  const std::string_view origin = http.headers.Get("origin");
  for (const std::string& allowed : options_.cors_origins) {
    if (origin != allowed) continue;
    // Without Allow-Credentials: other origins use bearer tokens, cookies are for our own app.
    headers->Add("Access-Control-Allow-Origin", origin);
    headers->Add("Access-Control-Expose-Headers", kCorsExposed);
  }
}

// What never reached the pipeline, which writes a line of its own for each call. No path: it may hold a name or a
// token.
void Edge::LogRefused(std::string_view route, int status, std::string_view reason, std::string_view trace_id) const {
  parts_.logger.Info("http_refused",
                     {{"trace_id", trace_id}, {"route", route}, {"status", status}, {"reason", reason}});
}

void Edge::Send(EdgeCall& call, http::Response response) const {
  if (!call.head.trace.trace_id.empty()) {
    response.headers.Add("traceparent", telemetry::FormatTraceparent(call.head.trace));
  }
  if (call.head.replayed) response.headers.Add("Idempotency-Replayed", "true");
  call.series->Observe(response.status, call.http().received, parts_.pipeline.clock().Steady());
  Complete(call.http(), false, &response.headers);
  call.exchange->Respond(std::move(response));
}

}  // namespace dinh::gateway
