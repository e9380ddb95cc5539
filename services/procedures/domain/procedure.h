// One version of an administrative procedure (thủ tục hành chính), as published.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/civil.h"
#include "services/procedures/domain/fees.h"
#include "services/procedures/domain/time_limit.h"

namespace dinh::procedures {

enum class Executor { kPeoplesCommittee, kPolice };

struct Procedure {
  std::string code;  // "2.000635"
  int version = 1;
  base::CivilDate valid_from;
  std::optional<base::CivilDate> valid_to;  // the first day it is no longer so
  std::string name;
  std::string field;  // lĩnh vực: "Hộ tịch"
  Executor executor = Executor::kPeoplesCommittee;
  std::string executor_name;  // "UBND cấp xã"
  std::string form;           // id in forms.json
  std::string workflow;       // id in workflows.json
  TimeLimit time_limit;
  FeeSchedule fees;
  std::vector<std::string> papers;
  std::vector<std::string> legal_basis;
  std::string decision;  // "163/QĐ-BTP"
  std::string confidence;
  std::string time_source;
  std::string source_url;
  std::string source_note;

  bool ValidAt(base::CivilDate date) const { return valid_from <= date && (!valid_to || date < *valid_to); }
};

// "2.000635" out of it, "2.000635.01" (a case) or "2.000635.000.00.00.H56" (a local form); "" when it is no code.
inline std::string NormalizeProcedureCode(std::string_view text) {
  if (text.size() < 8 || text[0] < '1' || text[0] > '9' || text[1] != '.') return "";
  for (char c : text.substr(2, 6)) {
    if (c < '0' || c > '9') return "";
  }
  if (text.size() > 8 && text[8] != '.') return "";
  return std::string(text.substr(0, 8));
}

}  // namespace dinh::procedures
