// The service's limits, each named once with its unit.
#pragma once

#include <chrono>
#include <cstdint>

#include "libs/base/clock.h"
#include "services/identity/domain/rate_window.h"

namespace dinh::identity {

inline constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;
inline constexpr base::Micros kHour = 60 * kMinute;
inline constexpr base::Micros kDay = 24 * kHour;

inline constexpr int64_t kPersonsPerAccountMax = 10;
inline constexpr int64_t kOrganisationsPerPersonMax = 20;
inline constexpr int64_t kDevicesPerAccountMax = 10;  // the one not used for longest is forgotten

// A refresh token that is not used for so long ends its login; no login lives longer than the second.
inline constexpr base::Micros kCitizenLoginIdle = 30 * kDay;
inline constexpr base::Micros kOfficerLoginIdle = 12 * kHour;
inline constexpr base::Micros kLoginLifeMax = 180 * kDay;

// Codes. Tight per phone, looser per block of numbers (somebody walking through them), generous per address (a whole
// village may sit behind one address of its carrier). A known device counts by itself and by nothing else.
inline constexpr RateLimit kOtpPerPhone{5, 15 * kMinute};
inline constexpr RateLimit kOtpPerPhoneDaily{15, kDay};
inline constexpr RateLimit kOtpPerBlock{60, 15 * kMinute};
inline constexpr RateLimit kOtpPerAddress{100, 15 * kMinute};
inline constexpr RateLimit kOtpPerDevice{10, kHour};
inline constexpr std::chrono::seconds kOtpPause{30};  // between two codes to a phone or device
// Wrong codes from one address, after which it gets no new ones for unknown devices: 5 attempts a code would otherwise
// be tens of thousands of guesses a day over many phones.
inline constexpr RateLimit kWrongCodePerAddress{120, kHour};
// Development mode: scripts log in all day.
inline constexpr int64_t kDevelopmentFactor = 100;

// Wrong passwords. The limit of the name alone does not hold from an address that has logged in to it before, so that
// nobody can lock an officer out from elsewhere.
inline constexpr RateLimit kWrongPerNameAndAddress{10, 15 * kMinute};
inline constexpr RateLimit kWrongPerName{50, 15 * kMinute};
inline constexpr RateLimit kWrongPerAddress{100, 15 * kMinute};
inline constexpr base::Micros kKnownAddressSpan = 30 * kDay;

// What limits and codes leave behind is removed after a day, ended logins after ninety.
inline constexpr base::Micros kAttemptsKept = kDay;
inline constexpr base::Micros kLoginsKept = 90 * kDay;
inline constexpr std::chrono::minutes kSweepPause{30};  // from round to round
inline constexpr std::chrono::minutes kSweepMax{2};     // one round
inline constexpr int kSweepRowsMax = 1000;

inline constexpr size_t kDeviceBytesMax = 200;
inline constexpr size_t kAccessTextBytesMax = 256;
inline constexpr int kAccessesPageDefault = 50;

}  // namespace dinh::identity
