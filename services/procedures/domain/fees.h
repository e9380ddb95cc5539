// Fees as rules in data, by channel, per copy, per page with tiers and a cap, with exemptions; and the text that
// explains an amount. Sources of the rules stand with each procedure in deploy/data/procedures.json.
//
// Pure; thread-safe when const.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/money.h"
#include "libs/base/status.h"

namespace dinh::procedures {

enum class Channel { kOnline, kDesk, kPost };
std::string_view ChannelName(Channel channel);  // "online"
std::optional<Channel> ParseChannel(std::string_view name);

enum class FeeKind {
  kFixed,    // once a dossier
  kPerUnit,  // times the count of `count_field` (copies, persons)
  kPerPage,  // tiers over the pages of one copy, capped per copy, times the copies
};

// From this page on (1-based) a page costs so much.
struct FeeTier {
  int from = 1;
  base::Vnd unit_vnd = 0;
};

struct FeeRule {
  FeeKind kind = FeeKind::kFixed;
  std::vector<Channel> channels;       // empty: every channel
  base::Text label;                    // "Lệ phí bản sao trích lục"
  base::Text unit;                     // "bản"; kPerUnit and kPerPage
  base::Vnd amount_vnd = 0;            // kFixed, kPerUnit
  std::string count_field = "copies";  // form field that holds the count; absent means 1
  std::string page_field = "pages";    // kPerPage
  std::vector<FeeTier> tiers;          // kPerPage, ascending, first from 1
  base::Vnd cap_vnd = 0;               // kPerPage: at most this for one copy; 0 none
};

// Somebody who pays nothing. Claimed in the form, confirmed by the officer who accepts.
struct FeeExemption {
  std::string code;  // "poor_household"
  base::Text label;
};

struct FeeSchedule {
  std::vector<FeeRule> rules;  // all that fit the channel are added up; none: free
  std::vector<FeeExemption> exemptions;
  base::Text note;
};

struct FeeInput {
  Channel channel = Channel::kOnline;
  // Counts by form field, e.g. copies = 2, pages = 5.
  std::vector<std::pair<std::string, int64_t>> counts;
  std::string exemption;  // confirmed code; "" none
};

struct FeeLine {
  base::Text text;           // "Lệ phí bản sao trích lục: 2 bản × 8.000 đ"
  base::Vnd amount_vnd = 0;  // unit_vnd × count
  base::Vnd unit_vnd = 0;
  int64_t count = 1;
};

struct FeeResult {
  base::Vnd amount_vnd = 0;
  std::vector<FeeLine> lines;  // never empty: a free procedure says so
};

inline constexpr int64_t kFeeCountMax = 10'000;

absl::Status CheckFees(const FeeSchedule& schedule);

// INVALID_ARGUMENT: a count outside 1..10,000, an unknown exemption; FAILED_PRECONDITION FEE_TOO_LARGE.
absl::StatusOr<FeeResult> EvaluateFees(const FeeSchedule& schedule, const FeeInput& input);

}  // namespace dinh::procedures
