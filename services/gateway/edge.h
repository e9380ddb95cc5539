// The HTTP edge: REST by google.api.http, Connect, server-sent events, uploads, and the pages about itself. It knows
// methods only by their tables and descriptors; what a call may do is the pipeline's business.
//
// Thread safety: thread-safe after construction.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libs/base/random.h"
#include "libs/http/server.h"
#include "libs/rpc/pipeline.h"
#include "libs/rpc/pool.h"
#include "libs/telemetry/logger.h"
#include "services/gateway/http_metrics.h"
#include "services/gateway/open311/operations.h"
#include "services/gateway/problem.h"
#include "services/gateway/routes.h"

namespace dinh::gateway {

// Ready-made answers under fixed paths.
struct Page {
  std::string content_type;
  std::shared_ptr<const std::string> body;
  std::string etag;
  bool html = false;  // gets the content security policy of a page of ours
};

struct EdgeOptions {
  std::vector<std::string> cors_origins;  // exact, e.g. "https://app.example.vn"; empty: CORS is off
  bool hsts = false;                      // Strict-Transport-Security on every answer over TLS
  std::function<bool()> ready;            // /readyz; empty: always
  std::string public_url;                 // "https://dinh.example.vn", before paths in answers of Open311; may be empty
};

// References outlive the edge.
struct EdgeParts {
  rpc::Pipeline& pipeline;
  rpc::HandlerPool& pool;
  base::Random& random;
  const telemetry::Logger& logger;
  HttpMetrics& metrics;
};

// One call from its request to its answer. Moved to the handler pool where the method may block.
struct EdgeCall {
  http::ExchangePtr exchange;
  const Endpoint* endpoint = nullptr;
  const Route* route = nullptr;  // null: Connect, or Open311
  open311::Match open311;        // with an operation: Open311
  transcode::PathSegments segments;
  rpc::CallHead head;
  bool by_cookie = false;    // the session cookie authenticates it
  bool credentials = false;  // any credentials came along
  bool reached = false;      // the pipeline: from there on it counts and logs the call
  HttpMetrics::Series* series = nullptr;

  const http::Request& http() const { return exchange->request(); }
};

class Edge final : public http::Handler {
 public:
  Edge(EdgeParts parts, EdgeOptions options, std::unique_ptr<RouteTable> routes);
  ~Edge() override;

  // Before the server starts. `path` is served for GET and HEAD.
  void AddPage(std::string path, Page page);
  // The page at "/" reads every address of the web app: it answers navigations to unknown paths.
  void UseAppForNavigation() { has_app_ = true; }
  const RouteTable& routes() const { return *routes_; }
  bool has_open311() const { return has_open311_; }

  http::BodyPlan PlanBody(const http::Request& head) override;
  void OnRequest(http::ExchangePtr exchange) override;
  http::Response OnProtocolError(http::ProtocolError error, const http::Request* head) override;

 private:
  struct Target;

  Target Resolve(const http::Request& http) const;
  bool IsOpen311(const http::Request& http) const;
  const Page* AppPage(const http::Request& http) const;
  std::optional<Refusal> RefusalOf(const Target& target, const http::Request& http) const;
  http::Response RefusedTarget(const Target& target, const http::Request& http) const;
  http::Response PageResponse(const http::Request& http, const Page& page) const;
  http::Response HealthResponse(bool readiness) const;
  http::Response OptionsResponse(const Target& target, const http::Request& http) const;
  void Reply(const http::ExchangePtr& exchange, http::Response response, bool page = false) const;
  HttpMetrics::Series& SeriesOf(const Route* route, const Endpoint& endpoint) const;

  // Fills credentials, trace, language and request id.
  void Prepare(EdgeCall& call) const;
  void Dispatch(EdgeCall call) const;
  void Run(EdgeCall& call) const;

  void RunUnary(EdgeCall& call) const;
  void RunUpload(EdgeCall& call) const;
  void RunStream(EdgeCall& call, const std::unique_ptr<rpc::MessageReader>& reader) const;
  void RunEvents(EdgeCall& call) const;
  void RunConnect(EdgeCall& call) const;
  void RunOpen311(EdgeCall& call) const;
  void StartOpen311(http::ExchangePtr exchange, const open311::Match& match) const;

  // The pipeline is sure to refuse it: nobody said who he is. Then its request is not even read, so that a stranger
  // learns nothing about what one should look like.
  static bool LacksLogin(const EdgeCall& call);
  // PERMISSION_DENIED for a cookie session without its CSRF token.
  absl::Status CheckSession(const EdgeCall& call) const;
  // If-Match into the request's etag; the refresh cookie into its field.
  absl::Status ApplyHeaders(const EdgeCall& call, Message* request) const;
  void AnswerMessage(EdgeCall& call, Message* response) const;
  void AnswerRaw(EdgeCall& call, Message* response) const;
  // The answer's tag; 304 without a body for who has it already.
  static void Tag(const http::Request& http, const std::string& etag, http::Response* answer);
  void AnswerProblem(EdgeCall& call, const absl::Status& status) const;
  void Send(EdgeCall& call, http::Response response) const;
  // Security headers, CORS and trace; every answer passes here.
  void Complete(const http::Request& http, bool page, http::ResponseHeaders* headers) const;
  void LogRefused(std::string_view route, int status, std::string_view reason, std::string_view trace_id) const;

  const EdgeParts parts_;
  const EdgeOptions options_;
  const std::unique_ptr<RouteTable> routes_;
  std::unordered_map<std::string_view, std::unique_ptr<std::pair<std::string, Page>>> pages_;
  // By Route::index, then by Endpoint::index; made at the first request, because most methods see none for long.
  const std::unique_ptr<std::atomic<HttpMetrics::Series*>[]> series_;
  HttpMetrics::Series& other_series_;
  const bool has_open311_;
  bool has_app_ = false;
  // Rendered once: of data, of pages of ours, and what JSON answers begin with.
  http::ResponseHeaders data_headers_, page_headers_, public_json_headers_, private_json_headers_;
};

}  // namespace dinh::gateway
