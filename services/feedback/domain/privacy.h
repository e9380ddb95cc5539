// No harm by reporting: what of a report is public, from when on, and with which time and place. Everything public goes
// through here; see also domain/geo.h (HidePoint) and domain/screening.h (RedactContacts).
//
// Randomness comes in as bits drawn from the platform's CSPRNG. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/domain/geo.h"

namespace dinh::feedback {

// --- the public code

inline constexpr std::string_view kCodePrefix = "PA-";
inline constexpr size_t kCodeSymbols = 10;  // of Crockford's base 32: 50 random bits

// "PA-7Q2M4X0K9T" of the low 50 bits. It carries no time: nothing but random bits goes in.
std::string PublicCode(uint64_t random_bits);
// As a person types it: any case, o for 0, i and l for 1, blanks and hyphens anywhere, with or without PA. nullopt: not
// a code.
std::optional<std::string> ParsePublicCode(std::string_view text);

// --- when

struct DelayRange {
  base::Micros min = 0;  // inclusive
  base::Micros max = 0;  // exclusive
};
inline constexpr base::Micros kHour = 3600 * base::kMicrosPerSecond;
// From sending an anonymous report until it shows.
inline constexpr DelayRange kFirstDelay = {24 * kHour, 120 * kHour};
// From a later public change of it until that shows.
inline constexpr DelayRange kLaterDelay = {2 * kHour, 24 * kHour};

// Uniform in [min, max) to the microsecond, from 64 random bits.
base::Micros DrawDelay(const DelayRange& range, uint64_t random_bits);

// When a report sent at `created` may show: at once, or after a delay when anonymous. Moderation may make it later.
base::Micros FirstPublicAt(base::Micros created, bool anonymous, uint64_t random_bits);
// When a change of it may show. `not_before`: when the report, or the change before this one, may show; changes thus
// show in their order, and none before the report.
base::Micros LaterPublicAt(base::Micros changed, base::Micros not_before, bool anonymous, uint64_t random_bits);

// The beginning of the day in Vietnam.
base::Micros DayOf(base::Micros at);
// The time to show for something that happened at `happened` and was published at `published`: for an anonymous report
// the day of publication only, else when it happened.
base::Micros ShownTime(base::Micros happened, base::Micros published, bool anonymous);

// --- what

enum class Moderation { kNotNeeded, kPending, kApproved, kRefused };

struct PublicFacts {
  bool may_be_public = false;  // of the category
  bool asked_public = false;   // by the reporter, or the category's default
  Moderation moderation = Moderation::kPending;
  bool hidden = false;  // by an officer, with a reason
};

enum class PublicState {
  kPrivate,  // never shows
  kHeld,     // waits for moderation
  kPublic,   // shows from its time on
  kHidden,   // was or would be public; an officer hid it
};

PublicState PublicStateOf(const PublicFacts& facts);

// Does a text need an officer's eye first? `held`: the screening found something.
Moderation ModerationOf(const Category& category, bool held);

// The place to show. `key`: 32 secret bytes of this use only.
Point ShownPoint(std::string_view key, const Point& true_point, bool anonymous);
// House code, village and street text: never of an anonymous report.
bool ShowsPlaceText(bool anonymous);

}  // namespace dinh::feedback
