// Open311's GeoReport v2: forms in, XML or JSON out, each request one call of feedback's Open311Service.
#include <memory>
#include <utility>

#include "services/gateway/content_hash.h"
#include "services/gateway/edge.h"
#include "services/gateway/open311/operations.h"

namespace dinh::gateway {

void Edge::StartOpen311(http::ExchangePtr exchange, const open311::Match& match) const {
  EdgeCall call;
  call.exchange = std::move(exchange);
  call.open311 = match;
  call.endpoint = routes_->FindRpc(match.operation->rpc);
  call.series = &parts_.metrics.Of(match.operation->method_name(), match.operation->label);
  Prepare(call);
  Dispatch(std::move(call));
}

void Edge::RunOpen311(EdgeCall& call) const {
  const auto invoke = [&](Message& request, Message* response) {
    call.reached = true;
    return parts_.pipeline.Unary(*call.endpoint->method, call.head, request, response);
  };
  const absl::StatusOr<open311::Node> root = open311::Run(call.open311, call.http(), options_.public_url, invoke);
  if (!root.ok()) return AnswerProblem(call, root.status());
  http::Response answer;
  open311::Write(*root, call.open311.format, &answer);
  const bool shared = call.endpoint->publicly_cacheable && !call.credentials;
  answer.headers.Add("Cache-Control", shared ? "public, max-age=60" : "no-store");
  if (shared) answer.headers.Add("Vary", "Accept-Language, Authorization, Cookie");
  if (call.endpoint->read_only) Tag(call.http(), "\"" + ContentTag(answer.body) + "\"", &answer);
  Send(call, std::move(answer));
}

}  // namespace dinh::gateway
