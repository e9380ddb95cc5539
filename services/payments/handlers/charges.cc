// Charges: opened and cancelled by other services, read by who pays and who collects.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "libs/base/strings.h"
#include "libs/base/text.h"
#include "services/payments/domain/memo.h"
#include "services/payments/domain/vietqr.h"
#include "services/payments/errors.h"
#include "services/payments/handlers/handlers.h"
#include "services/payments/limits.h"

namespace dinh::payments {
namespace {

constexpr int64_t kTimestampSecondsMax = 253'402'300'799;  // protobuf: the end of the year 9999

// What must be equal for the same id to mean the same charge.
std::string ContentHash(const pb::OpenChargeRequest& request) {
  std::vector<std::string> parts = {request.purpose_kind(),
                                    request.purpose_ref(),
                                    request.description(),
                                    request.agency(),
                                    request.unit(),
                                    std::to_string(request.expire_time().seconds()),
                                    std::to_string(request.expire_time().nanos())};
  for (const pb::ChargeLine& line : request.lines()) {
    parts.push_back(line.text());
    parts.push_back(std::to_string(line.unit_price_vnd()));
    parts.push_back(std::to_string(line.count()));
  }
  parts.push_back("owners");
  for (const std::string& person : request.owner_persons()) parts.push_back(person);
  std::string text;
  for (const std::string& part : parts) text += std::to_string(part.size()) + ":" + part;
  return base::HexEncode(base::Sha256(text));
}

base::FieldViolation BadLine(int index, std::string_view vi, std::string_view en) {
  return {"lines[" + std::to_string(index) + "]", {std::string(vi), std::string(en)}};
}

absl::StatusOr<std::vector<ChargeLineRow>> ReadLines(const pb::OpenChargeRequest& request) {
  std::vector<ChargeLineRow> rows;
  std::vector<base::FieldViolation> violations;
  for (int i = 0; i < request.lines_size(); ++i) {
    const pb::ChargeLine& line = request.lines(i);
    const int64_t length = base::CodePoints(line.text());
    const std::optional<base::Vnd> amount = base::MultiplyVnd(line.unit_price_vnd(), line.count());
    if (length < 1 || length > static_cast<int64_t>(kChargeLineTextMax)) {
      violations.push_back(BadLine(i, "Cần nội dung, tối đa 300 ký tự.", "Needs a text of at most 300 characters."));
    } else if (line.count() < 1 || line.count() > kChargeLineCountMax || line.unit_price_vnd() < 0 || !amount) {
      violations.push_back(BadLine(i, "Đơn giá không được âm, số lượng từ 1 đến 10.000.",
                                   "The unit price must not be negative, the count is 1 to 10,000."));
    } else if (line.amount_vnd() != *amount) {
      violations.push_back(BadLine(i, "Thành tiền phải bằng đơn giá nhân số lượng.",
                                   "The amount must be the unit price times the count."));
    } else {
      rows.push_back({line.text(), line.unit_price_vnd(), line.count(), *amount});
    }
  }
  if (!violations.empty()) return base::InvalidFields(std::move(violations));
  return rows;
}

absl::StatusOr<base::Vnd> SumOf(const std::vector<ChargeLineRow>& lines) {
  std::optional<base::Vnd> sum = 0;
  for (const ChargeLineRow& line : lines) {
    if (sum) sum = base::AddVnd(*sum, line.amount_vnd);
  }
  if (sum && *sum > 0 && *sum <= kQrAmountMaxVnd) return *sum;
  return base::InvalidField("lines", {"Tổng số tiền phải lớn hơn 0 và không quá 13 chữ số.",
                                      "The sum must be above 0 and have 13 digits at most."});
}

absl::StatusOr<std::optional<base::Micros>> ExpiryOf(const pb::OpenChargeRequest& request, base::Micros now) {
  if (!request.has_expire_time()) return std::optional<base::Micros>();
  const int64_t seconds = std::clamp<int64_t>(request.expire_time().seconds(), 0, kTimestampSecondsMax);
  const base::Micros at = seconds * base::kMicrosPerSecond + request.expire_time().nanos() / 1000;
  if (at > now) return std::optional<base::Micros>(at);
  return base::InvalidField("expire_time", {"Hạn nộp phải ở sau thời điểm hiện tại.", "Must lie in the future."});
}

std::optional<ChargeState> StateFilter(pb::Charge::State state) {
  return state == pb::Charge::STATE_UNSPECIFIED ? std::nullopt : std::optional(static_cast<ChargeState>(state));
}

std::string KeyOf(const ChargeRow& row) { return auth::JoinKey({std::to_string(row.charge.opened_at), row.charge.id}); }

absl::StatusOr<std::optional<ChargeKey>> ParseKey(std::string_view last) {
  if (last.empty()) return std::optional<ChargeKey>();
  ASSIGN_OR_RETURN(std::vector<std::string> parts, auth::SplitKey(last, 2));
  return std::optional(ChargeKey{std::strtoll(parts[0].c_str(), nullptr, 10), std::move(parts[1])});
}

}  // namespace

Handlers::Handlers(const HandlerParts& parts)
    : database_(parts.database),
      store_(parts.store),
      sealer_(parts.sealer),
      page_tokens_(parts.page_tokens),
      random_(parts.random),
      books_(parts.store, parts.outbox, parts.ids),
      charges_opened_(parts.metrics.AddCounter("dinh_charges_opened_total", "charges opened").With({})),
      credits_(parts.metrics.AddCounter("dinh_bank_credits_total", "bank credits by what became of them",
                                        {"disposition"})) {}

absl::StatusOr<std::string> Handlers::NewReference(db::Tx& tx) {
  for (int i = 0; i < kReferenceTries; ++i) {
    std::string reference = MakeReference(random_.Below(kReferenceCount));
    ASSIGN_OR_RETURN(const bool taken, store_.ReferenceExists(tx, reference));
    if (!taken) return reference;
  }
  return base::Internal("no free payment reference");
}

absl::StatusOr<ChargeRow> Handlers::NewCharge(db::Tx& tx, const pb::OpenChargeRequest& request,
                                              std::string content_hash) {
  const base::Micros now = tx.context().Now();
  ChargeRow row;
  row.content_hash = std::move(content_hash);
  ASSIGN_OR_RETURN(row.lines, ReadLines(request));
  ASSIGN_OR_RETURN(row.charge.amount_vnd, SumOf(row.lines));
  ASSIGN_OR_RETURN(row.charge.expires_at, ExpiryOf(request, now));
  ASSIGN_OR_RETURN(std::optional<CollectingAccountRow> account, store_.FindActiveAccount(tx, request.agency()));
  if (!account) return NoCollectingAccount(request.agency());
  row.account = *std::move(account);
  row.charge.id = request.id();
  row.charge.agency = request.agency();
  row.charge.purpose = request.purpose_kind();
  row.charge.collecting_account = row.account.id;
  ASSIGN_OR_RETURN(row.charge.reference, NewReference(tx));
  row.memo = MemoText(row.charge.reference, request.description());
  row.unit = request.unit();
  row.purpose_ref = request.purpose_ref();
  row.description = request.description();
  row.owner_persons.assign(request.owner_persons().begin(), request.owner_persons().end());
  ASSIGN_OR_RETURN(const ChargeChange change, Apply({ChargeEventKind::kOpen, now}, row.charge));
  RETURN_IF_ERROR(store_.InsertCharge(tx, row));
  RETURN_IF_ERROR(books_.Write(tx, change.postings, {.charge = row.charge.id}));
  RETURN_IF_ERROR(books_.Announce(tx, row, change));
  return row;
}

absl::StatusOr<pb::Charge> Handlers::OpenCharge(rpc::Context& ctx, const pb::OpenChargeRequest& request) {
  bool opened = false;
  auto charge = database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Charge> {
    std::string content_hash = ContentHash(request);
    ASSIGN_OR_RETURN(const std::optional<ChargeRow> existing, store_.FindChargeForUpdate(tx, request.id()));
    opened = !existing;
    if (existing && existing->content_hash != content_hash) return ChargeExists();
    if (existing) return payments::ToProto(*existing);
    ASSIGN_OR_RETURN(const ChargeRow row, NewCharge(tx, request, std::move(content_hash)));
    return payments::ToProto(row);
  });
  if (charge.ok() && opened) charges_opened_.Increment();
  return charge;
}

absl::StatusOr<ChargeRow> Handlers::Move(db::Tx& tx, ChargeRow row, const ChargeEvent& event) {
  ASSIGN_OR_RETURN(const ChargeChange change, Apply(event, row.charge));
  RETURN_IF_ERROR(store_.UpdateCharge(tx, row));
  ++row.revision;
  const std::optional<SuspenseRow> released = ReleasedItem(row, change.released_vnd, books_.NewId());
  if (released) RETURN_IF_ERROR(books_.Suspend(tx, *released));
  Links links{.charge = row.charge.id};
  if (released) links.released = released->item.id;
  RETURN_IF_ERROR(books_.Write(tx, change.postings, links));
  RETURN_IF_ERROR(books_.Announce(tx, row, change));
  return row;
}

absl::StatusOr<pb::Charge> Handlers::CancelCharge(rpc::Context& ctx, const pb::CancelChargeRequest& request) {
  return database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Charge> {
    ASSIGN_OR_RETURN(std::optional<ChargeRow> row, store_.FindChargeForUpdate(tx, request.id()));
    if (!row) return ChargeNotFound();
    // Nothing can be paid to it any more, which is what the caller wants.
    const ChargeState state = row->charge.state;
    if (state == ChargeState::kCancelled || state == ChargeState::kExpired) return payments::ToProto(*row);
    ASSIGN_OR_RETURN(const ChargeRow moved, Move(tx, *std::move(row), {ChargeEventKind::kCancel, ctx.Now()}));
    return payments::ToProto(moved);
  });
}

absl::StatusOr<pb::Charge> Handlers::GetCharge(rpc::Context& ctx, const pb::GetChargeRequest& request) {
  ASSIGN_OR_RETURN(const ChargeRow row,
                   ctx.InScope(database_.Read(ctx, [&](db::Tx& tx) { return store_.FindCharge(tx, request.id()); })));
  return payments::ToProto(row);
}

absl::StatusOr<pb::ListChargesResponse> Handlers::ListCharges(rpc::Context& ctx,
                                                              const pb::ListChargesRequest& request) {
  ctx.ScopeByPrincipal();
  ASSIGN_OR_RETURN(const int32_t size, page_tokens_.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string last, page_tokens_.Open(ctx, request));
  ASSIGN_OR_RETURN(const std::optional<ChargeKey> key, ParseKey(last));
  const std::optional<ChargeState> state = StateFilter(request.state());
  const bool officer = ctx.principal().kind == auth::CallerKind::kOfficer;
  ASSIGN_OR_RETURN(
      std::vector<ChargeRow> rows, database_.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<std::vector<ChargeRow>> {
        if (officer) {
          return store_.ListChargesOfAgencies(tx, AgenciesWith(ctx.principal(), "charge.read"), state, key, size + 1);
        }
        if (ctx.principal().person.empty()) return std::vector<ChargeRow>();
        return store_.ListChargesOfPerson(tx, ctx.principal().person, state, key, size + 1);
      }));
  pb::ListChargesResponse response;
  const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
  for (size_t i = 0; i < shown; ++i) *response.add_charges() = payments::ToProto(rows[i]);
  if (rows.size() > shown) response.set_next_page_token(page_tokens_.Seal(ctx, request, KeyOf(rows[shown - 1])));
  return response;
}

absl::Status Handlers::ExpireDue(base::OpContext& ctx, const events::Fence& fence) {
  const base::Micros now = ctx.Now();
  ASSIGN_OR_RETURN(const std::vector<std::string> due,
                   database_.Read(ctx, [&](db::Tx& tx) { return store_.ListExpiring(tx, now, kExpiriesPerRound); }));
  for (const std::string& id : due) {
    RETURN_IF_ERROR(database_.Transact(ctx, [&](db::Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(fence.Check(tx));
      ASSIGN_OR_RETURN(std::optional<ChargeRow> row, store_.FindChargeForUpdate(tx, id));
      // Paid, cancelled or ended by a late payment since it was listed.
      if (!row || IsSettled(row->charge.state)) return absl::OkStatus();
      return Move(tx, *std::move(row), {ChargeEventKind::kExpire, now}).status();
    }));
  }
  return absl::OkStatus();
}

}  // namespace dinh::payments
