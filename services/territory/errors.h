// The service's errors, by name.
#pragma once

#include <string>

#include "libs/base/status.h"

namespace dinh::territory {

inline absl::Status UnitNotFound(const std::string& code) {
  return base::NotFound("UNIT_NOT_FOUND",
                        {"Không có đơn vị hành chính nào mang mã " + code + ". Hãy tìm theo tên.",
                         "No unit has ever had the code " + code + ". Search by name."},
                        {{"code", code}});
}

// `successor` may be empty.
inline absl::Status UnitNotValidAt(const std::string& code, const std::string& date, const std::string& successor) {
  return base::NotFound("UNIT_NOT_VALID_AT",
                        {"Mã " + code + " không có hiệu lực vào ngày " + date +
                             (successor.empty() ? "." : "; khi đó là " + successor + "."),
                         "The code " + code + " was not valid on " + date +
                             (successor.empty() ? "." : "; it was " + successor + " then.")},
                        {{"code", code}, {"date", date}, {"successor", successor}});
}

inline absl::Status AgencyNotFound(const std::string& id) {
  return base::NotFound("AGENCY_NOT_FOUND",
                        {"Không có cơ quan " + id + ". Hãy xem danh sách cơ quan của xã.",
                         "No agency " + id + ". List the agencies of the commune."},
                        {{"id", id}});
}

}  // namespace dinh::territory
