#include "services/procedures/domain/fees.h"

#include <algorithm>
#include <array>

namespace dinh::procedures {
namespace {

constexpr std::array<std::pair<Channel, std::string_view>, 3> kChannels = {
    {{Channel::kOnline, "online"}, {Channel::kDesk, "desk"}, {Channel::kPost, "post"}}};

int64_t CountOf(const FeeInput& input, const std::string& field) {
  for (const auto& [name, count] : input.counts) {
    if (name == field) return count;
  }
  return 1;
}

bool Applies(const FeeRule& rule, Channel channel) {
  return rule.channels.empty() || std::find(rule.channels.begin(), rule.channels.end(), channel) != rule.channels.end();
}

absl::Status TooLarge() {
  return base::FailedPrecondition("FEE_TOO_LARGE",
                                  {"Số tiền vượt quá giới hạn. Hãy kiểm tra lại số lượng, hoặc tách thành nhiều hồ sơ.",
                                   "The amount is beyond the limit. Check the counts, or split the dossier."});
}

// Pages of one copy by tiers: with tiers {1: 2000, 3: 1000}, five pages are 2 × 2000 + 3 × 1000.
std::optional<base::Vnd> PagesOfOneCopy(const FeeRule& rule, int64_t pages) {
  base::Vnd sum = 0;
  for (size_t i = 0; i < rule.tiers.size(); ++i) {
    const int64_t first = rule.tiers[i].from;
    const int64_t last = i + 1 < rule.tiers.size() ? std::min<int64_t>(pages, rule.tiers[i + 1].from - 1) : pages;
    if (last < first) break;
    const std::optional<base::Vnd> part = base::MultiplyVnd(rule.tiers[i].unit_vnd, last - first + 1);
    const std::optional<base::Vnd> total = part ? base::AddVnd(sum, *part) : std::nullopt;
    if (!total) return std::nullopt;
    sum = *total;
  }
  return rule.cap_vnd > 0 ? std::min(sum, rule.cap_vnd) : sum;
}

std::string Times(int64_t count, const std::string& unit, base::Vnd price) {
  return std::to_string(count) + " " + unit + " × " + base::FormatVnd(price);
}

absl::StatusOr<FeeLine> Line(const FeeRule& rule, const FeeInput& input) {
  if (rule.kind == FeeKind::kFixed) return FeeLine{rule.label, rule.amount_vnd, rule.amount_vnd, 1};
  const int64_t count = CountOf(input, rule.count_field);
  std::optional<base::Vnd> unit_price = rule.amount_vnd;
  std::string vi = rule.label.vi, en = rule.label.en;
  if (rule.kind == FeeKind::kPerPage) {
    const int64_t pages = CountOf(input, rule.page_field);
    unit_price = PagesOfOneCopy(rule, pages);
    vi += " (" + std::to_string(pages) + " trang/bản)";
    en += " (" + std::to_string(pages) + " pages a copy)";
  }
  const std::optional<base::Vnd> amount = unit_price ? base::MultiplyVnd(*unit_price, count) : std::nullopt;
  if (!amount) return TooLarge();
  return FeeLine{
      {vi + ": " + Times(count, rule.unit.vi, *unit_price), en + ": " + Times(count, rule.unit.en, *unit_price)},
      *amount,
      *unit_price,
      count};
}

absl::Status CheckCounts(const FeeInput& input) {
  std::vector<base::FieldViolation> violations;
  for (const auto& [field, count] : input.counts) {
    if (count >= 1 && count <= kFeeCountMax) continue;
    violations.push_back({"form." + field, {"Số lượng phải từ 1 đến 10.000.", "The count must be 1 to 10,000."}});
  }
  return violations.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations));
}

absl::Status CheckRule(const FeeRule& rule) {
  if (rule.label.vi.empty() || rule.label.en.empty()) return absl::InvalidArgumentError("a fee needs both labels");
  if (rule.amount_vnd < 0 || rule.cap_vnd < 0) return absl::InvalidArgumentError("a fee is never negative");
  if (rule.kind != FeeKind::kFixed && (rule.unit.vi.empty() || rule.unit.en.empty() || rule.count_field.empty())) {
    return absl::InvalidArgumentError("a counted fee needs unit and field");
  }
  if (rule.kind == FeeKind::kPerPage) {
    if (rule.tiers.empty() || rule.tiers.front().from != 1) return absl::InvalidArgumentError("tiers begin at page 1");
    for (size_t i = 0; i < rule.tiers.size(); ++i) {
      if (rule.tiers[i].unit_vnd < 0) return absl::InvalidArgumentError("a tier is never negative");
      if (i > 0 && rule.tiers[i].from <= rule.tiers[i - 1].from) return absl::InvalidArgumentError("tiers ascend");
    }
  } else if (rule.amount_vnd == 0 || !rule.tiers.empty()) {
    return absl::InvalidArgumentError("a fee has an amount, and tiers only per page");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view ChannelName(Channel channel) {
  for (const auto& [c, name] : kChannels) {
    if (c == channel) return name;
  }
  return "";
}

std::optional<Channel> ParseChannel(std::string_view name) {
  for (const auto& [channel, n] : kChannels) {
    if (n == name) return channel;
  }
  return std::nullopt;
}

absl::Status CheckFees(const FeeSchedule& schedule) {
  for (const FeeRule& rule : schedule.rules) RETURN_IF_ERROR(CheckRule(rule));
  for (const FeeExemption& exemption : schedule.exemptions) {
    if (exemption.code.empty() || exemption.label.vi.empty() || exemption.label.en.empty()) {
      return absl::InvalidArgumentError("an exemption needs a code and both labels");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FeeResult> EvaluateFees(const FeeSchedule& schedule, const FeeInput& input) {
  RETURN_IF_ERROR(CheckCounts(input));
  FeeResult result;
  if (!input.exemption.empty()) {
    for (const FeeExemption& exemption : schedule.exemptions) {
      if (exemption.code != input.exemption) continue;
      result.lines.push_back({{"Miễn phí, lệ phí: " + exemption.label.vi, "Exempt: " + exemption.label.en}});
      return result;
    }
    return base::InvalidField("exemption", {"Thủ tục này không có diện miễn như vậy. Hãy chọn lại trong danh sách.",
                                            "This procedure has no such exemption. Choose one from its list."});
  }
  for (const FeeRule& rule : schedule.rules) {
    if (!Applies(rule, input.channel)) continue;
    ASSIGN_OR_RETURN(FeeLine line, Line(rule, input));
    const std::optional<base::Vnd> total = base::AddVnd(result.amount_vnd, line.amount_vnd);
    if (!total) return TooLarge();
    result.amount_vnd = *total;
    result.lines.push_back(std::move(line));
  }
  if (result.lines.empty()) result.lines.push_back({{"Miễn phí", "Free of charge"}});
  return result;
}

}  // namespace dinh::procedures
